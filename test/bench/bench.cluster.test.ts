import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { benchAgents } from './agents/agents-bench.ts';
import { benchPlacement } from './agents/placement-bench.ts';
import { benchApi } from './api/api-bench.ts';
import { h2loadMissing } from './api/h2load.ts';
import type { BenchOutput, Measurement } from './bench.ts';
import { benchFailover } from './failover-bench.ts';
import { benchFootprint } from './footprint-bench.ts';
import { benchRaft } from './raft/raft-bench.ts';
import { benchTls } from './tls/tls-bench.ts';

/** Tiny sizes: that a bench runs and what it calls its figures is tested here, not how good they are. */
async function measure(bench: (output: BenchOutput) => Promise<void>): Promise<Map<string, Measurement>> {
  const found = new Map<string, Measurement>();
  await bench({ measured: (measurement) => found.set(measurement.name, measurement), progress: () => {} });
  for (const { name, value } of found.values()) expect(value, name).toSatisfy(Number.isFinite);
  return found;
}

const TIMEOUT_MS = 180_000;
/** A leader that loses its office under load ends a measurement; on a machine that is busy otherwise it may. */
const ATTEMPTS_MORE = 2;
const OPTIONS = { timeout: TIMEOUT_MS, retry: ATTEMPTS_MORE };

test('raft measures rates and latencies for each number in flight', OPTIONS, async () => {
  const sizes = { members: 3, inFlight: [1, 8], valueBytes: 256, warmUpMs: 100, rounds: 2, roundMs: 500 };
  const found = await measure((output) => benchRaft(output, sizes));
  expect([...found.keys()]).toEqual([
    'raft.inflight1.per_second',
    'raft.inflight1.p50_ms',
    'raft.inflight1.p99_ms',
    'raft.inflight8.per_second',
    'raft.inflight8.p50_ms',
    'raft.inflight8.p99_ms',
    'raft.reads1.per_second',
    'raft.reads1.p50_ms',
    'raft.reads1.p99_ms',
    'raft.reads8.per_second',
    'raft.reads8.p50_ms',
    'raft.reads8.p99_ms',
  ]);
  for (const { value, config } of found.values()) {
    expect(value).toBeGreaterThan(0);
    expect(config['all']).toHaveLength(2);
  }
});

test('api measures streamed writes, and unary calls where h2load is there', OPTIONS, async () => {
  const sizes = { members: 3, inFlight: [4], valueBytes: 256, warmUpSeconds: 1, rounds: 1, roundSeconds: 1 };
  const found = await measure((output) => benchApi(output, { ...sizes, etcd: undefined }));
  const operations = h2loadMissing() === undefined ? ['writes4', 'reads4', 'stream_writes4'] : ['stream_writes4'];
  const names = operations.flatMap((key) => [`api.${key}.per_second`, `api.${key}.p50_ms`, `api.${key}.p99_ms`]);
  expect([...found.keys()]).toEqual(names);
  for (const { value } of found.values()) expect(value).toBeGreaterThan(0);
});

test('tls compares members with TLS and members in plain text, in all that they do', OPTIONS, async () => {
  const sizes = {
    raft: { members: 3, inFlight: [8], valueBytes: 256, warmUpMs: 100, rounds: 1, roundMs: 500 },
    fleets: { members: 3, agents: 3, rounds: 1, idleMs: 100, jobs: 2, instancesPerJob: 5 },
    comeback: { members: 1, agents: 20, rounds: 2 },
  };
  const found = await measure((output) => benchTls(output, sizes));
  const names = [
    'tls.raft.inflight8.per_second',
    'tls.raft.inflight8.p50_ms',
    'tls.raft.reads8.per_second',
    'tls.raft.reads8.p50_ms',
    'tls.sessions.member_cpu_cores',
    'tls.sessions.member_rss_mb',
    'tls.placement.per_second',
    'tls.placement.p50_ms',
    'tls.return.sessions_per_second',
    'tls.return.all_s',
    'tls.return.member_cpu_s',
    'tls.return.agent_cpu_s',
  ];
  expect([...found.keys()]).toEqual(names.flatMap((name) => [name, `${name}_to_plain`]));
  for (const name of ['tls.raft.inflight8.per_second', 'tls.placement.per_second', 'tls.return.sessions_per_second']) {
    expect(found.get(name)?.value, name).toBeGreaterThan(0);
    expect(found.get(name)?.config['plain'], name).toBeGreaterThan(0);
  }
});

test('failover kills the leader so often, and loses no acknowledged write', { timeout: TIMEOUT_MS }, async () => {
  const found = await measure((output) => benchFailover(output, { members: 3, kills: 2 }));
  expect([...found.keys()]).toEqual(['failover.median_ms', 'failover.min_ms', 'failover.max_ms']);
  const [median, least, most] = [...found.values()].map(({ value }) => value) as [number, number, number];
  // How long it takes says nothing here: on a busy machine the others may have given the old leader up already.
  expect(median).toBeGreaterThanOrEqual(least);
  expect(most).toBeGreaterThanOrEqual(median);
  expect(found.get('failover.median_ms')?.config).toMatchObject({ kills: 2, lostWrites: 0 });
});

test('placement places all instances of all jobs', { timeout: TIMEOUT_MS }, async () => {
  const sizes = { members: 3, agents: 4, jobs: 3, instancesPerJob: 10, jobsInFlight: 2 };
  const found = await measure((output) => benchPlacement(output, sizes));
  expect([...found.keys()]).toEqual(['placement.per_second', 'placement.p50_ms', 'placement.p99_ms']);
  expect(found.get('placement.per_second')?.config).toMatchObject({ allocations: 30 });
  expect(found.get('placement.p99_ms')?.value).toBeGreaterThan(0);
});

test('footprint tells the memory of agents and of members', { timeout: TIMEOUT_MS }, async () => {
  const found = await measure((output) => benchFootprint(output, { members: 1, agents: 1, idleMs: 100 }));
  expect([...found.keys()]).toEqual(['footprint.agent_rss_mb', 'footprint.control_plane_rss_mb']);
  for (const { value } of found.values()) expect(value).toSatisfy((mb: number) => mb > 30 && mb < 500);
});

test('agents finds no false loss, and tells what members use', { timeout: TIMEOUT_MS }, async () => {
  const found = await measure((output) => benchAgents(output, { members: 3, agents: 10, durationMs: 500 }));
  expect([...found.keys()]).toEqual(['agents.false_losses', 'agents.member_cpu_cores', 'agents.member_rss_mb']);
  expect(found.get('agents.false_losses')).toMatchObject({ value: 0, config: { nodesReady: 10, sessionsBroken: 0 } });
});

test('an unknown name is refused with the names that there are', async () => {
  const main = join(import.meta.dirname, 'main.ts');
  const ended = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [main, 'raft', 'rafd'], (error, stdout, stderr) => {
      resolve({ code: error?.code, stdout, stderr });
    });
  });
  expect(ended).toEqual({
    code: 1,
    stdout: '',
    stderr:
      'CELL_E_USAGE: No bench is called "rafd"; there are: raft, snapshots, api, failover, placement, footprint, agents, ' +
      'tls, units. Without a name all are run\n',
  });
});
