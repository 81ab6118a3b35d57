import { expect, test } from 'vitest';
import { exampleInventory, TestFleet } from '../testing/fleet-arbitraries.ts';

/** Two nodes; on n1 an instance of a service, of a batch job and of a system job: a0, b0 and s0. */
function running(): TestFleet {
  const fleet = new TestFleet();
  for (const name of ['n1', 'n2']) fleet.node(name);
  fleet.submit({ ports: [] });
  fleet.submit({ name: 'sort', type: 'batch', ports: [] });
  fleet.submit({ name: 'agent', type: 'system', count: 0, ports: [] });
  fleet.place({ id: 'a0' });
  fleet.place({ id: 'b0', job: 'sort' });
  fleet.place({ id: 's0', job: 'agent' });
  return fleet;
}

const n1 = (fleet: TestFleet) => fleet.tables.nodes.get('id-n1')!;
const newEvents = (fleet: TestFleet) =>
  (fleet.change?.events ?? []).map(({ type, subject, message }) => `${type} ${subject}: ${message}`);

test('a drain makes the node ineligible at once, and says when it began and how long it may take', () => {
  const fleet = running();
  expect(fleet.drain('n1', { deadlineMs: 3_600_000 })).toMatchObject({ ok: true, unchanged: false });
  expect(n1(fleet)).toMatchObject({
    eligible: false,
    drain: {
      startedAtMs: fleet.timeMs,
      setIndex: fleet.tables.index,
      remainingMs: 3_600_000,
      countedAtMs: fleet.timeMs,
      keepSystemJobs: false,
      finishedAtMs: undefined,
    },
    modifyIndex: fleet.tables.index,
  });
  expect(newEvents(fleet)).toEqual(['NodeDraining node/n1: It is being drained: what is left in 3600 s is stopped']);
  expect(fleet.place({ id: 'a1', instance: 1 })).toMatchObject({
    placed: 0,
    leftOutReasons: { 'node takes no allocations': 1 },
  });
  expect([...fleet.tables.drainingNodes]).toEqual(['id-n1']);
});

test('it is over with the last allocation that had to go, in the same command', () => {
  const fleet = running();
  fleet.drain('n1');
  fleet.report('a0', 'stopped');
  fleet.report('b0', 'complete');
  expect(n1(fleet).drain?.finishedAtMs).toBeUndefined();
  fleet.report('s0', 'stopped');
  expect(n1(fleet)).toMatchObject({ eligible: false, drain: { finishedAtMs: fleet.timeMs } });
  expect(newEvents(fleet)).toContain('NodeDrained node/n1: Nothing is left on it');
  expect(fleet.change?.nodes).toHaveLength(1);
  expect(fleet.tables.drainingNodes.size).toBe(0);
});

test('with system jobs kept it is over without them', () => {
  const fleet = running();
  fleet.drain('n1', { keepSystemJobs: true });
  fleet.report('a0', 'stopped');
  fleet.report('b0', 'failed');
  expect(n1(fleet).drain?.finishedAtMs).toBe(fleet.timeMs);
  expect(newEvents(fleet)).toContain('NodeDrained node/n1: Nothing is left on it but system jobs');
  // They have to go after all.
  fleet.drain('n1', { keepSystemJobs: false });
  expect(n1(fleet).drain).toMatchObject({ keepSystemJobs: false, finishedAtMs: undefined });
  fleet.report('s0', 'stopped');
  expect(n1(fleet).drain?.finishedAtMs).toBe(fleet.timeMs);
});

test('the drain of an empty node is over at once', () => {
  const fleet = running();
  fleet.drain('n2');
  expect(fleet.tables.nodes.get('id-n2')?.drain?.finishedAtMs).toBe(fleet.timeMs);
  expect(newEvents(fleet).map((event) => event.split(' ')[0])).toEqual(['NodeDraining', 'NodeDrained']);
  const before = fleet.tables.nodes.get('id-n2');
  expect(fleet.drain('n2', { deadlineMs: 5 })).toMatchObject({ ok: true, unchanged: true });
  expect(fleet.tables.nodes.get('id-n2')).toBe(before);
});

test('a lost node is drained, since nothing of it is counted on any more, and stays out when it is back', () => {
  const fleet = running();
  fleet.drain('n1', { deadlineMs: 1_000 });
  fleet.lose('n1');
  expect(n1(fleet).drain?.finishedAtMs).toBe(fleet.timeMs);
  expect(newEvents(fleet)).toContain('NodeDrained node/n1: Nothing is left on it, since the node is lost');
  const { drain } = n1(fleet);
  fleet.node('n1', { memoryMib: 9_999 });
  expect(n1(fleet)).toMatchObject({ status: 'ready', eligible: false, drain });
});

test('a node that comes back with a new registration keeps drain and eligibility', () => {
  const fleet = running();
  fleet.drain('n1', { deadlineMs: 1_000 });
  const { drain } = n1(fleet);
  fleet.node('n1', { memoryMib: 9_999 });
  expect(n1(fleet)).toMatchObject({ eligible: false, drain, inventory: { memoryMib: 9_999 } });
  fleet.setEligible('n2', false);
  fleet.node('n2', { memoryMib: 9_999 });
  expect(fleet.tables.nodes.get('id-n2')).toMatchObject({ eligible: false, drain: undefined });
});

test('a machine that comes back under its name with an empty disk stays out as well', () => {
  const fleet = running();
  fleet.drain('n1');
  fleet.lose('n1');
  const { drain } = n1(fleet);
  const about = { inventory: exampleInventory(), agentVersion: '0.1.0', httpAddress: '' };
  fleet.apply({ kind: 'register-node', id: 'new-disk', name: 'n1', ...about });
  expect(fleet.tables.nodes.get('new-disk')).toMatchObject({ status: 'ready', eligible: false, drain });
  fleet.apply({ kind: 'undrain-node', id: 'new-disk' });
  expect(fleet.tables.nodes.get('new-disk')).toMatchObject({ eligible: true, drain: undefined });
});

test('undrain ends a drain and makes the node eligible; what is there stays', () => {
  const fleet = running();
  fleet.drain('n1');
  expect(fleet.undrain('n1')).toMatchObject({ ok: true, unchanged: false });
  expect(n1(fleet)).toMatchObject({ eligible: true, drain: undefined });
  expect(newEvents(fleet)).toEqual(['NodeUndrained node/n1: It takes allocations again; what was still there stays']);
  expect(fleet.tables.drainingNodes.size).toBe(0);
  expect(fleet.allocation('a0')).toMatchObject({ desired: 'run' });
  expect(fleet.undrain('n1')).toMatchObject({ ok: true, unchanged: true });
  expect(fleet.change?.nodes).toEqual([]);
});

test('a drain that is set again goes on with the new deadline, and what was counted for the old one says nothing', () => {
  const fleet = running();
  fleet.drain('n1', { deadlineMs: 60_000 });
  const startedAtMs = fleet.timeMs;
  const oldIndex = fleet.tables.index;
  expect(fleet.drainTime('n1', 20_000)).toMatchObject({ noted: 1 });
  expect(n1(fleet).drain).toMatchObject({ remainingMs: 20_000, countedAtMs: fleet.timeMs });
  fleet.drain('n1', { deadlineMs: undefined });
  expect(n1(fleet).drain).toMatchObject({ startedAtMs, remainingMs: undefined });
  expect(newEvents(fleet)).toEqual(['NodeDraining node/n1: Its drain was changed, for as long as it takes']);
  fleet.drain('n1', { deadlineMs: 90_000 });
  const drains = [{ id: 'id-n1', setIndex: oldIndex, remainingMs: 0 }];
  expect(fleet.apply({ kind: 'note-drain-time', drains })).toMatchObject({ noted: 0 });
  expect(n1(fleet).drain?.remainingMs).toBe(90_000);
});

test('time only gets less, and tells once that it is over', () => {
  const fleet = running();
  fleet.drain('n1', { deadlineMs: 60_000 });
  expect(fleet.drainTime('n1', 60_000)).toMatchObject({ noted: 0 });
  expect(fleet.drainTime('n1', 90_000)).toMatchObject({ noted: 0 });
  expect(fleet.drainTime('n1', 1)).toMatchObject({ noted: 1 });
  expect(newEvents(fleet)).toEqual([]);
  fleet.drainTime('n1', 0);
  expect(newEvents(fleet)).toEqual([
    'NodeDraining node/n1: The deadline of its drain has passed: what is left is stopped',
  ]);
  expect(fleet.drainTime('n1', 0)).toMatchObject({ noted: 0 });
});

test.each([
  ['of an unknown node', 'n9', 1_000],
  ['of one that is not drained', 'n2', 1_000],
])('the time %s is left out', (_, name, remainingMs) => {
  const fleet = running();
  expect(fleet.drainTime(name, remainingMs)).toMatchObject({ ok: true, noted: 0 });
});

test('a drain without a deadline, and one that is over, take no note of time', () => {
  const fleet = running();
  fleet.drain('n1');
  expect(fleet.drainTime('n1', 0)).toMatchObject({ noted: 0 });
  fleet.drain('n2', { deadlineMs: 1_000 });
  expect(fleet.drainTime('n2', 0)).toMatchObject({ noted: 0 });
});

test('eligibility is switched, and a drained node must be undrained instead', () => {
  const fleet = running();
  fleet.setEligible('n1', false);
  expect(newEvents(fleet)).toEqual(['NodeIneligible node/n1: It takes no new allocations; what runs there stays']);
  expect(fleet.place({ id: 'a1', instance: 1 })).toMatchObject({ placed: 0 });
  expect(fleet.setEligible('n1', false)).toMatchObject({ ok: true, unchanged: true });
  fleet.setEligible('n1', true);
  expect(newEvents(fleet)).toEqual(['NodeEligible node/n1: It takes allocations again']);
  fleet.setEligible('n1', false);
  fleet.undrain('n1');
  expect(newEvents(fleet)).toEqual(['NodeEligible node/n1: It takes allocations again']);
  fleet.drain('n1');
  expect(fleet.setEligible('n1', true)).toEqual({
    ok: false,
    code: 'CELL_E_CONFLICT',
    message: 'Node "n1" is drained, so it takes no allocations; say "cellctl node undrain n1" to end that',
  });
  expect(fleet.setEligible('n1', false)).toMatchObject({ ok: true, unchanged: true });
});

test('what is said of a node that is gone is refused', () => {
  const fleet = running();
  for (const result of [fleet.drain('n9'), fleet.undrain('n9'), fleet.setEligible('n9', false)]) {
    expect(result).toMatchObject({ ok: false, code: 'CELL_E_NOT_FOUND' });
  }
});

const keeps = { ports: [] };
const stops = { ...keeps, onDisconnect: 'stop' } as const;
test.each([
  ['a service on a drained node', {}, keeps, true],
  ['a service that must never be there twice', {}, stops, false],
  ['a batch job on a drained node', { job: 'sort', id: 'b' }, keeps, false],
])('an instance of %s gets a second allocation: %#', (_, placement, spec, joins) => {
  const fleet = running();
  fleet.submit(spec);
  const second = { id: 'second', nodeId: 'id-n2', jobVersion: 1, ...placement };
  expect(fleet.place(second)).toMatchObject({ placed: 0, leftOutReasons: { 'instance is taken': 1 } });
  fleet.drain('n1');
  expect(fleet.place(second)).toMatchObject({ placed: joins ? 1 : 0 });
  expect(fleet.place({ ...second, id: 'third' })).toMatchObject({ placed: 0 });
  // Nor if the second one has to go as well.
  fleet.drain('n2');
  fleet.node('n3');
  expect(fleet.place({ ...second, id: 'third', nodeId: 'id-n3' })).toMatchObject({ placed: 0 });
});
