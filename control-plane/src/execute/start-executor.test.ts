import { afterEach, beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { isFinal } from '../model/entities.ts';
import type { Peers } from '../ports.ts';
import { encodeCommand } from '../state/format/command-codec.ts';
import { type Executor, startExecutor } from './start-executor.ts';
import { addJob, addNode, kinds, report, silentLog } from './testing/example-fleet.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';
import { MemoryConsensus } from './testing/memory-consensus.ts';

let clock: FakeClock;
let consensus: MemoryConsensus;
let executor: Executor;
let seed: number;

beforeEach(() => {
  clock = new FakeClock();
  consensus = new MemoryConsensus();
  seed = 0;
});

afterEach(() => executor.stop());

function start(placementsMax = 1_000) {
  executor = startExecutor({
    consensus,
    peers: {} as Peers,
    clock,
    log: silentLog,
    random: () => (seed += 1),
    settings: { leaseMs: 10_000, marginMs: 2_000, certificateLifetimeMs: 86_400_000, placementsMax },
    sessions: { heard: () => [], takeNews: () => false, renewLeases: () => {}, closeSession: () => {} },
  });
}

/** Nodes of the job's allocations that have not ended and shall run. */
function running(job: string): string[] {
  const rows = [...consensus.state.allocationsOfJob(job)].filter((row) => !isFinal(row) && row.desired === 'run');
  return rows.map((row) => row.nodeId).sort();
}

function everythingIs(state: 'healthy' | 'failed') {
  const rows = [...consensus.state.allocations.values()].filter((row) => !isFinal(row));
  const reports = rows.map((row) => report(consensus, row.id, row.desired === 'stop' ? 'stopped' : state));
  consensus.write({ kind: 'report-allocations', timeMs: 0, reports });
}

test('a new leader announces itself, then places what waits', async () => {
  for (const name of ['a', 'b', 'c']) addNode(consensus, name);
  addJob(consensus, 'web', 3);
  start();
  await settle(10);
  expect(kinds(consensus, 4)).toEqual(['leader-elected', 'apply-plan']);
  expect(running('web')).toEqual(['a', 'b', 'c']);
});

/** The longest command that was written. */
function longestCommandBytes(): number {
  return Math.max(...consensus.commands.map((command) => encodeCommand(command).length));
}

test('of thousands of jobs that find no node each is told, in commands that fit into the log', async () => {
  for (let job = 0; job < 6_000; job += 1) addJob(consensus, `job-${job}-${'x'.repeat(50)}`, 1);
  start();
  for (let second = 0; second < 30 && consensus.state.unplacedJobs.size < 6_000; second += 1)
    await clock.advance(1_000);
  expect(consensus.state.unplacedJobs.size).toBe(6_000);
  expect(longestCommandBytes()).toBeLessThan(1024 * 1024);
});

test('a job that comes in is placed, and a settled fleet costs no commands', async () => {
  addNode(consensus, 'a');
  start();
  await settle();
  addJob(consensus, 'web', 2);
  await settle(10);
  expect(running('web')).toEqual(['a', 'a']);
  everythingIs('healthy');
  const before = consensus.commands.length;
  await clock.advance(9_000);
  expect(kinds(consensus, before)).toEqual([]);
});

test('changes of one event-loop turn are planned together', async () => {
  addNode(consensus, 'a');
  start();
  await settle();
  const before = consensus.commands.length;
  for (let job = 0; job < 20; job += 1) addJob(consensus, `job-${job}`, 1);
  await settle(10);
  expect(kinds(consensus, before + 20)).toEqual(['apply-plan']);
});

test('more than one plan can hold is placed by several', async () => {
  addNode(consensus, 'a');
  start(20);
  await settle();
  addJob(consensus, 'many', 90);
  await settle(60);
  expect(running('many').length).toBe(90);
  expect(kinds(consensus).filter((kind) => kind === 'apply-plan').length).toBe(5);
});

test('what ran on a lost node is placed again elsewhere', async () => {
  for (const name of ['a', 'b']) addNode(consensus, name);
  start();
  addJob(consensus, 'web', 2);
  await settle(10);
  everythingIs('healthy');
  for (let second = 0; second < 14; second += 1) {
    executor.livenessReported(2, [{ nodeId: 'a', ageMs: 0 }]);
    await clock.advance(1_000);
  }
  expect(consensus.state.nodes.get('b')?.status).toBe('lost');
  expect(running('web')).toEqual(['a', 'a']);
});

test('a node that comes long after the election has its full lease from then', async () => {
  start();
  await clock.advance(60_000);
  addNode(consensus, 'late');
  await clock.advance(11_000);
  expect(consensus.state.nodes.get('late')?.status).toBe('ready');
  await clock.advance(1_500);
  expect(consensus.state.nodes.get('late')?.status).toBe('lost');
});

test('an instance without a node says why, and is placed once a node comes', async () => {
  start();
  addJob(consensus, 'web', 1);
  await settle(10);
  expect(consensus.state.jobs.get('web')?.unplaced?.count).toBe(1);
  const before = consensus.commands.length;
  await clock.advance(60_000);
  expect(kinds(consensus, before)).toEqual([]);
  addNode(consensus, 'a');
  await settle(10);
  expect(running('web')).toEqual(['a']);
  expect(consensus.state.jobs.get('web')?.unplaced).toBeUndefined();
});

test('a plan that could not be written is made again after a wait', async () => {
  addNode(consensus, 'a');
  let failures = 3;
  consensus.failure = ({ kind }) => {
    if (kind !== 'apply-plan' || failures-- <= 0) return undefined;
    return new CellError('CELL_E_OVERLOADED', 'full');
  };
  start();
  addJob(consensus, 'web', 1);
  await settle(10);
  expect(running('web')).toEqual([]);
  await clock.advance(1_000);
  expect(running('web')).toEqual(['a']);
  expect(kinds(consensus).filter((kind) => kind === 'apply-plan').length).toBe(1);
});

test('what no longer held when the plan was applied is planned again', async () => {
  for (const name of ['a', 'b']) addNode(consensus, name);
  start();
  await settle();
  consensus.failure = ({ kind }) => {
    if (kind !== 'apply-plan') return undefined;
    // Node a is lost between planning and applying.
    consensus.failure = () => undefined;
    const nodes = [{ id: 'a', status: 'lost' as const, message: 'just now' }];
    consensus.write({ kind: 'set-node-status', timeMs: 0, nodes });
    return undefined;
  };
  addJob(consensus, 'web', 2);
  await clock.advance(1_000);
  expect(running('web')).toEqual(['b', 'b']);
});

test('a member that lost leadership plans nothing, and everything once it leads again', async () => {
  addNode(consensus, 'a');
  start();
  await settle();
  consensus.lead({ leaderId: 2, leading: false, term: 2 });
  addJob(consensus, 'web', 1);
  await clock.advance(60_000);
  expect(running('web')).toEqual([]);
  expect(consensus.state.nodes.get('a')?.status).toBe('ready');
  expect(() => executor.livenessReported(2, [])).toThrow(expect.objectContaining({ code: 'CELL_E_NOT_LEADER' }));
  consensus.lead({ leaderId: 1, leading: true, term: 3 });
  await settle(10);
  expect(running('web')).toEqual(['a']);
});

test('an announcement that fails is made again before anything is planned', async () => {
  addNode(consensus, 'a');
  addJob(consensus, 'web', 1);
  let failures = 2;
  consensus.failure = () => (failures-- > 0 ? new CellError('CELL_E_OVERLOADED', 'full') : undefined);
  start();
  await settle(10);
  expect(kinds(consensus, 2)).toEqual([]);
  await clock.advance(1_000);
  expect(kinds(consensus, 2)).toEqual(['leader-elected', 'apply-plan']);
});

test('a plan of an earlier leadership does not hold up the next', async () => {
  addNode(consensus, 'a');
  start();
  await settle();
  consensus.hold = new Promise(() => {});
  addJob(consensus, 'web', 1);
  await settle(10);
  consensus.hold = undefined;
  consensus.lead({ leaderId: 2, leading: false, term: 2 });
  consensus.lead({ leaderId: 1, leading: true, term: 3 });
  await settle(10);
  expect(running('web')).toEqual(['a']);
});

test('a replaced state is looked at completely', async () => {
  addNode(consensus, 'a');
  start();
  await settle(10);
  // The snapshot brought a job that no change told of.
  consensus.silently(() => addJob(consensus, 'web', 1));
  await settle(10);
  expect(running('web')).toEqual([]);
  consensus.replaced();
  await settle(10);
  expect(running('web')).toEqual(['a']);
});

/** A job with ended allocations beyond what is kept of it. */
async function withEnded(count: number, state: 'failed' | 'healthy'): Promise<void> {
  addNode(consensus, 'a');
  start();
  addJob(consensus, 'batch', count);
  await settle(20);
  everythingIs(state);
  await settle(20);
}

async function passSeconds(seconds: number): Promise<number> {
  for (let second = 0; second < seconds; second += 1) {
    executor.livenessReported(2, [{ nodeId: 'a', ageMs: 0 }]);
    await clock.advance(1_000);
  }
  return kinds(consensus).filter((kind) => kind === 'collect-garbage').length;
}

test('garbage is collected once, and not again while nothing changes', async () => {
  await withEnded(30, 'failed');
  consensus.write({ kind: 'stop-job', timeMs: 0, name: 'batch' });
  expect(await passSeconds(200)).toBe(1);
});

test('what collecting would leave where it is does not have it done, however much else changes', async () => {
  await withEnded(30, 'failed');
  for (let minute = 0; minute < 4; minute += 1) {
    consensus.write({ kind: 'write-mark', timeMs: 0, drillId: 'd', sequence: minute });
    expect(await passSeconds(65)).toBe(0);
  }
});
