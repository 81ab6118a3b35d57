import { Counter, Gauge, type Registry } from 'prom-client';
import { type JobUsage, OTHER_JOBS, type WorkloadTotals } from './workload-totals.ts';

type Value = (usage: Readonly<JobUsage>) => number | undefined;

const MS_PER_SECOND = 1_000;
/** Hundredths of a percent in a whole. */
const PRESSURE_WHOLE = 10_000;
const RESOURCES = ['cpu', 'memory', 'io'] as const;

/** Adds what the workloads of this node use, by job and never by allocation; `read` anew for each scrape. */
export function workloadMetrics(registry: Registry, read: () => Promise<WorkloadTotals>): void {
  let reading: Promise<WorkloadTotals> | undefined;
  // All metrics of a scrape are collected at once.
  const totals = (): Promise<WorkloadTotals> => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const registers = [registry];
  const labelNames = ['job'];
  counter('cell_workload_cpu_seconds_total', 'CPU time', ({ cpuTimeMs }) => cpuTimeMs / MS_PER_SECOND);
  gauge('cell_workload_memory_bytes', 'Memory without what the kernel can take back', ({ memoryBytes }) => memoryBytes);
  gauge('cell_workload_tasks', 'Processes and threads', ({ tasks }) => tasks);
  counter('cell_workload_io_read_bytes_total', 'Bytes read from disks', ({ ioReadBytes }) => ioReadBytes);
  counter('cell_workload_io_written_bytes_total', 'Bytes written to disks', ({ ioWriteBytes }) => ioWriteBytes);
  counter('cell_workload_oom_kills_total', 'Processes killed for lack of memory', ({ oomKills }) => oomKills);
  void new Gauge({
    name: 'cell_workload_pressure_ratio',
    help: 'Share of the last ten seconds in which some processes waited, of the instance on this node that waited most',
    labelNames: ['job', 'resource'],
    registers,
    async collect() {
      this.reset();
      for (const [job, { pressure }] of (await totals()).jobs) {
        if (pressure === undefined) continue;
        for (const resource of RESOURCES) this.set({ job, resource }, pressure[resource] / PRESSURE_WHOLE);
      }
    },
  });
  void new Gauge({
    name: 'cell_workload_jobs_other',
    help: `Jobs that are not told apart but counted as "${OTHER_JOBS}"`,
    registers,
    async collect() {
      this.set((await totals()).othersCount);
    },
  });

  function gauge(name: string, help: string, value: Value): void {
    void new Gauge({
      name,
      help: `${help} of the workloads of a job on this node`,
      labelNames,
      registers,
      async collect() {
        this.reset();
        for (const [job, usage] of (await totals()).jobs) {
          const number = value(usage);
          if (number !== undefined) this.set({ job }, number);
        }
      },
    });
  }

  function counter(name: string, help: string, value: Value): void {
    void new Counter({
      name,
      help: `${help} of the workloads of a job on this node, since the agent was started`,
      labelNames,
      registers,
      async collect() {
        this.reset();
        for (const [job, usage] of (await totals()).jobs) {
          const number = value(usage);
          if (number !== undefined) this.inc({ job }, number);
        }
      },
    });
  }
}
