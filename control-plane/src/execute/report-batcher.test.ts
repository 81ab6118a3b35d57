import { beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { ReportBatcher } from './report-batcher.ts';
import { addJob, addNode, kinds, place, report, silentLog } from './testing/example-fleet.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';
import { MemoryConsensus } from './testing/memory-consensus.ts';

let clock: FakeClock;
let consensus: MemoryConsensus;
let batcher: ReportBatcher;
let closed: string[];
let ids: string[];
let before: number;

beforeEach(() => {
  clock = new FakeClock();
  consensus = new MemoryConsensus();
  for (const name of ['a', 'b', 'c']) addNode(consensus, name);
  addJob(consensus, 'web', 3);
  ids = ['a', 'b', 'c'].map((node, instance) => place(consensus, 'web', instance, node));
  before = consensus.commands.length;
  closed = [];
  const closeSession = (nodeId: string, reason: CellError) => void closed.push(`${nodeId} ${reason.code}`);
  batcher = new ReportBatcher({ consensus, clock, log: silentLog, sessions: { closeSession } });
});

function say(index: number, state: Parameters<typeof report>[2], message = '') {
  batcher.add([report(consensus, ids[index]!, state, { message })], false);
}

function states() {
  return ids.map((id) => consensus.state.allocations.get(id)?.state);
}

test('reports of many sessions become one command', async () => {
  say(0, 'running');
  say(1, 'starting');
  say(2, 'running');
  await clock.advance(10);
  expect(kinds(consensus, before)).toEqual(['report-allocations']);
  expect(states()).toEqual(['running', 'starting', 'running']);
});

test('of one allocation only the newest report is written', async () => {
  say(0, 'starting');
  say(0, 'running');
  await clock.advance(10);
  expect(states()[0]).toBe('running');
  expect(consensus.commands.at(-1)).toMatchObject({ reports: [{ state: 'running' }] });
});

test('what another node says of an allocation neither counts nor takes the place of what its own says', async () => {
  say(0, 'running');
  batcher.add([{ ...report(consensus, ids[0]!, 'failed', { message: 'a lie' }), nodeId: 'another' }], false);
  await clock.advance(10);
  expect(states()[0]).toBe('running');
});

test('one command is in flight at a time; what comes meanwhile waits, also if it says what the state says', async () => {
  let release = () => {};
  consensus.hold = new Promise((resolve) => {
    release = resolve;
  });
  say(0, 'unhealthy');
  await clock.advance(10);
  say(0, 'pending');
  say(1, 'running');
  await clock.advance(1_000);
  expect(kinds(consensus, before)).toEqual([]);
  release();
  await settle();
  expect(states()[0]).toBe('unhealthy');
  await clock.advance(10);
  expect(states().slice(0, 2)).toEqual(['pending', 'running']);
});

test('reports that change nothing are dropped', async () => {
  say(0, 'pending');
  batcher.add([report(consensus, 'GONE', 'running')], false);
  batcher.add([{ ...report(consensus, ids[1]!, 'running'), nodeId: 'a' }], false);
  await clock.advance(10);
  expect(kinds(consensus, before)).toEqual([]);
  expect(batcher.size).toBe(0);
});

test('a report on an ended allocation is dropped', async () => {
  say(0, 'complete');
  await clock.advance(10);
  say(0, 'running');
  await clock.advance(10);
  expect(kinds(consensus, before)).toEqual(['report-allocations']);
  expect(states()[0]).toBe('complete');
});

test('without a leader reports wait as long as it takes, newest only, and no session is closed', async () => {
  consensus.lead({ leaderId: 0, leading: false, term: 2 });
  say(0, 'starting');
  await clock.advance(60_000);
  say(0, 'running');
  await clock.advance(60_000);
  expect(batcher.size).toBe(1);
  consensus.lead({ leaderId: 2, leading: false, term: 3 });
  await clock.advance(1_000);
  expect(states()[0]).toBe('running');
  expect(closed).toEqual([]);
});

test('a report whose outcome is unknown is written again, unless there is a newer one', async () => {
  let failures = 1;
  consensus.failure = () => {
    if (failures-- <= 0) return undefined;
    say(1, 'healthy');
    return new CellError('CELL_E_OUTCOME_UNKNOWN', 'who knows');
  };
  say(0, 'running');
  say(1, 'running');
  await clock.advance(1_000);
  expect(states()).toEqual(['running', 'healthy', 'pending']);
  expect(closed).toEqual([]);
});

test('sessions whose reports fail again and again are closed, the others stay', async () => {
  consensus.failure = () => new CellError('CELL_E_TIMEOUT', 'too slow');
  say(0, 'running');
  say(2, 'running');
  await clock.advance(20_000);
  expect(closed).toEqual(['a CELL_E_NO_LEADER', 'c CELL_E_NO_LEADER']);
  expect(batcher.size).toBe(0);
  consensus.failure = () => undefined;
  say(1, 'running');
  await clock.advance(5_000);
  expect(states()[1]).toBe('running');
});

test('reports after Hello are compared with a state that is up to date', async () => {
  let asked = 0;
  consensus.readBarrier = async () => {
    asked += 1;
    // Another member had written a newer state, which had not been applied here yet.
    if (asked === 1)
      consensus.write({ kind: 'report-allocations', timeMs: 0, reports: [report(consensus, ids[0]!, 'running')] });
  };
  batcher.add([report(consensus, ids[0]!, 'pending')], true);
  await clock.advance(20);
  expect(asked).toBe(1);
  expect(states()[0]).toBe('pending');
});

test('a long queue is written in several commands', async () => {
  consensus = new MemoryConsensus();
  addNode(consensus, 'n');
  addJob(consensus, 'many', 5_000);
  const placed = Array.from({ length: 390 }, (_, instance) => place(consensus, 'many', instance, 'n'));
  before = consensus.commands.length;
  batcher = new ReportBatcher({ consensus, clock, log: silentLog, sessions: { closeSession: () => {} } });
  const message = 'm'.repeat(1_000);
  batcher.add(
    placed.map((id) => report(consensus, id, 'running', { message })),
    false,
  );
  await clock.advance(1_000);
  const sizes = consensus.commands.slice(before).map((command) => JSON.stringify(command).length);
  expect(sizes.length).toBeGreaterThan(2);
  expect(Math.max(...sizes)).toBeLessThan(512 * 1024);
  expect(placed.every((id) => consensus.state.allocations.get(id)?.state === 'running')).toBe(true);
});
