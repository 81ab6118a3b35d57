import { beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { NodeLiveness } from './node-liveness.ts';
import { addJob, addNode, kinds, place, silentLog } from './testing/example-fleet.ts';
import { FakeClock, settle } from './testing/fake-clock.ts';
import { MemoryConsensus } from './testing/memory-consensus.ts';

let clock: FakeClock;
let consensus: MemoryConsensus;
let liveness: NodeLiveness;

beforeEach(() => {
  clock = new FakeClock();
  consensus = new MemoryConsensus();
  addNode(consensus, 'a');
  addNode(consensus, 'b');
  liveness = new NodeLiveness({ consensus, clock, log: silentLog, leaseMs: 10_000, marginMs: 2_000 });
  liveness.start();
});

function status(node: string) {
  return consensus.state.nodes.get(node)?.status;
}

async function hearEverySecond(nodes: string[], forMs: number) {
  for (let passedMs = 0; passedMs < forMs; passedMs += 1_000) {
    liveness.reported(nodes.map((nodeId) => ({ nodeId, ageMs: 0 })));
    await clock.advance(1_000);
  }
}

test('a new leader gives every node lease and margin from its election', async () => {
  await clock.advance(12_000);
  expect(status('a')).toBe('ready');
  await clock.advance(500);
  expect([status('a'), status('b')]).toEqual(['lost', 'lost']);
  expect(kinds(consensus, 2)).toEqual(['set-node-status']);
});

test('only the silent node is lost, and its allocations with it', async () => {
  addJob(consensus, 'web', 2);
  const onA = place(consensus, 'web', 0, 'a');
  const onB = place(consensus, 'web', 1, 'b');
  await hearEverySecond(['a'], 14_000);
  expect([status('a'), status('b')]).toEqual(['ready', 'lost']);
  expect(consensus.state.allocations.get(onA)?.state).toBe('pending');
  expect(consensus.state.allocations.get(onB)?.state).toBe('lost');
  expect(consensus.state.nodes.get('b')?.statusMessage).toMatch(
    /^Nothing was heard from its agent for 12\.\d s, since/,
  );
});

test('the age of a heartbeat counts, not when it was reported', async () => {
  liveness.reported([{ nodeId: 'a', ageMs: 0 }]);
  await clock.advance(9_000);
  liveness.reported([{ nodeId: 'a', ageMs: 5_000 }]);
  await clock.advance(6_750);
  expect([status('a'), status('b')]).toEqual(['ready', 'lost']);
  await clock.advance(500);
  expect(status('a')).toBe('lost');
});

test('an older heartbeat that is reported later takes nothing back', async () => {
  await clock.advance(9_000);
  liveness.reported([{ nodeId: 'a', ageMs: 0 }]);
  liveness.reported([{ nodeId: 'a', ageMs: 8_000 }]);
  await clock.advance(12_000);
  expect(status('a')).toBe('ready');
  await clock.advance(500);
  expect(status('a')).toBe('lost');
});

test('what was seen in an earlier leadership does not count in the next', async () => {
  await hearEverySecond(['a', 'b'], 60_000);
  liveness.stop();
  liveness.start();
  await clock.advance(12_500);
  expect([status('a'), status('b')]).toEqual(['lost', 'lost']);
});

test('a node that is heard again becomes ready, and its leases are not confirmed before', async () => {
  await hearEverySecond(['b'], 13_000);
  expect(status('a')).toBe('lost');
  expect(
    liveness.reported([
      { nodeId: 'a', ageMs: 100 },
      { nodeId: 'b', ageMs: 100 },
    ]),
  ).toEqual(['a']);
  await settle();
  expect(status('a')).toBe('ready');
  expect(liveness.reported([{ nodeId: 'a', ageMs: 100 }])).toEqual([]);
});

test('heartbeats are not confirmed while the loss of their node is on its way', async () => {
  let release = () => {};
  consensus.hold = new Promise((resolve) => {
    release = resolve;
  });
  await clock.advance(12_500);
  expect(status('a')).toBe('ready');
  expect(liveness.reported([{ nodeId: 'a', ageMs: 0 }])).toEqual(['a']);
  release();
  await settle();
  expect(status('a')).toBe('lost');
});

test('all nodes of a large fleet are lost within seconds, in commands that fit into the log', async () => {
  for (let node = 0; node < 6_000; node += 1) addNode(consensus, `node-${node}`);
  await clock.advance(13_500);
  expect([...consensus.state.nodes.values()].every((node) => node.status === 'lost')).toBe(true);
  const verdicts = consensus.commands.filter((command) => command.kind === 'set-node-status');
  expect(Math.max(...verdicts.map(({ nodes }) => nodes.length))).toBeLessThanOrEqual(2_000);
});

test('a stall of the leader is not the silence of the nodes', async () => {
  await hearEverySecond(['a', 'b'], 5_000);
  clock.stall(60_000);
  await clock.advance(5_000);
  expect([status('a'), status('b')]).toEqual(['ready', 'ready']);
  await clock.advance(7_500);
  expect([status('a'), status('b')]).toEqual(['lost', 'lost']);
});

test('a verdict that could not be written is given again', async () => {
  let failures = 2;
  consensus.failure = () => (failures-- > 0 ? new CellError('CELL_E_OVERLOADED', 'full') : undefined);
  await clock.advance(13_000);
  expect(status('a')).toBe('lost');
  expect(kinds(consensus, 2)).toEqual(['set-node-status']);
});

test('who is not the leader confirms nothing and judges nobody', async () => {
  liveness.stop();
  expect(() => liveness.reported([])).toThrow(/not the leader/);
  await clock.advance(60_000);
  expect(status('a')).toBe('ready');
});
