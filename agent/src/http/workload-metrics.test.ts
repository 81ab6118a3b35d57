import fc from 'fast-check';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import type { Usage } from '../ports.ts';
import { workloadMetrics } from './workload-metrics.ts';
import { JOBS_MAX, OTHER_JOBS, WorkloadTotals } from './workload-totals.ts';

let readAtMs = 0;

function reading(change: Partial<Usage> = {}): Usage {
  readAtMs += 1;
  return { cpuTimeMs: 0, memoryBytes: 0, processes: 1, readAtMs, ...change };
}

/** "web/1" is of the job "web". */
const jobOf = (id: string): string => id.split('/')[0]!;

function takeAll(...readings: Readonly<Record<string, Usage>>[]): WorkloadTotals {
  const totals = new WorkloadTotals();
  for (const each of readings) totals.take(new Map(Object.entries(each)), jobOf);
  return totals;
}

test('counters add up by job, over restarts and ends of allocations', () => {
  const totals = takeAll(
    { 'web/0': reading({ cpuTimeMs: 100 }), 'web/1': reading({ cpuTimeMs: 10 }), 'db/0': reading({ cpuTimeMs: 5 }) },
    { 'web/0': reading({ cpuTimeMs: 150 }), 'web/1': reading({ cpuTimeMs: 10 }), 'db/0': reading({ cpuTimeMs: 5 }) },
    // A new run, from 0; and one that has ended.
    { 'web/0': reading({ cpuTimeMs: 30 }), 'db/0': reading({ cpuTimeMs: 9 }) },
    { 'web/0': reading({ cpuTimeMs: 31 }), 'web/1': reading({ cpuTimeMs: 2 }) },
  );
  expect(totals.jobs.get('web')?.cpuTimeMs).toBe(150 + 10 + 31 + 2);
  expect(totals.jobs.get('db')?.cpuTimeMs).toBe(9);
});

test('what runs now is told of now, and what the machine can not tell is not told as 0', () => {
  const pressure = { cpu: 100, memory: 0, io: 5 };
  const totals = takeAll(
    {
      'web/0': reading({ memoryBytes: 5, processes: 2, ioReadBytes: 7, pressure }),
      'db/0': reading({ memoryBytes: 1 }),
    },
    {
      'web/0': reading({ memoryBytes: 3, processes: 1, ioReadBytes: 8, pressure }),
      'web/1': reading({ memoryBytes: 2, pressure: { cpu: 50, memory: 9, io: 5 } }),
    },
  );
  expect(totals.jobs.get('web')).toEqual({
    cpuTimeMs: 0,
    memoryBytes: 5,
    tasks: 2,
    ioReadBytes: 8,
    ioWriteBytes: undefined,
    oomKills: undefined,
    pressure: { cpu: 100, memory: 9, io: 5 },
  });
  expect(totals.jobs.get('db')).toMatchObject({ memoryBytes: 0, tasks: 0, ioReadBytes: undefined });
});

test('a reading that comes late counts nothing twice', () => {
  const [first, second] = [reading({ cpuTimeMs: 100 }), reading({ cpuTimeMs: 150 })];
  expect(takeAll({ 'web/0': second }, { 'web/0': first }, { 'web/0': second }).jobs.get('web')?.cpuTimeMs).toBe(150);
});

test('counters never go back, whatever is read', () => {
  const usage = fc.dictionary(fc.constantFrom('a/0', 'a/1', 'b/0'), fc.nat(1_000), { maxKeys: 3 });
  fc.assert(
    fc.property(fc.array(usage, { maxLength: 20 }), (steps) => {
      const totals = new WorkloadTotals();
      let before = 0;
      for (const step of steps) {
        const readings = Object.entries(step).map(([id, cpuTimeMs]) => [id, reading({ cpuTimeMs })] as const);
        totals.take(new Map(readings), jobOf);
        const now = [...totals.jobs.values()].reduce((sum, { cpuTimeMs }) => sum + cpuTimeMs, 0);
        expect(now).toBeGreaterThanOrEqual(before);
        before = now;
      }
    }),
  );
});

test('however many jobs there are, there is a bounded number of labels, and none is left out', async () => {
  const ids = Array.from({ length: JOBS_MAX + 7 }, (_, index) => `job-${index}/0`);
  const totals = takeAll(
    ...[1, 2].map((times) => Object.fromEntries(ids.map((id) => [id, reading({ cpuTimeMs: 1_000 * times })]))),
  );
  expect(totals.jobs.size).toBe(JOBS_MAX + 1);
  expect(totals.othersCount).toBe(7);
  expect(totals.jobs.get(OTHER_JOBS)?.cpuTimeMs).toBe(14_000);
  const registry = new Registry();
  let times = 0;
  workloadMetrics(registry, () => {
    times += 1;
    return Promise.resolve(totals);
  });
  const text = await registry.metrics();
  expect(times).toBe(1);
  expect(text.match(/^cell_workload_cpu_seconds_total\{/gm)?.length).toBe(JOBS_MAX + 1);
  expect(text).toContain('cell_workload_cpu_seconds_total{job="other"} 14\n');
  expect(text).toContain('cell_workload_jobs_other 7\n');
  expect(text).not.toContain('cell_workload_io_read_bytes_total{');
});

test('all that is known is told, in base units', async () => {
  const whole = { cpuTimeMs: 1_500, memoryBytes: 2, processes: 3, ioReadBytes: 4, ioWriteBytes: 5, oomKills: 6 };
  const totals = takeAll({ 'web/0': reading({ ...whole, pressure: { cpu: 2_500, memory: 1, io: 0 } }) });
  const registry = new Registry();
  workloadMetrics(registry, () => Promise.resolve(totals));
  const lines = (await registry.metrics()).split('\n').filter((line) => /^cell_workload_\w+\{/.test(line));
  expect(lines).toEqual([
    'cell_workload_cpu_seconds_total{job="web"} 1.5',
    'cell_workload_memory_bytes{job="web"} 2',
    'cell_workload_tasks{job="web"} 3',
    'cell_workload_io_read_bytes_total{job="web"} 4',
    'cell_workload_io_written_bytes_total{job="web"} 5',
    'cell_workload_oom_kills_total{job="web"} 6',
    'cell_workload_pressure_ratio{job="web",resource="cpu"} 0.25',
    'cell_workload_pressure_ratio{job="web",resource="memory"} 0.0001',
    'cell_workload_pressure_ratio{job="web",resource="io"} 0',
  ]);
});
