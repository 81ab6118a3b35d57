import { expect, test } from 'vitest';
import { DRILL_RANGES_MAX, DRILLS_MAX, JOB_VERSIONS_MAX } from '../limits.ts';
import { exampleInventory, examplePlacement, exampleSpec, TestFleet } from '../testing/fleet-arbitraries.ts';

function running(): TestFleet {
  const fleet = new TestFleet();
  fleet.node('n1');
  fleet.submit();
  fleet.place({ id: 'a0', ports: { http: 20_000 } });
  return fleet;
}

const newEvents = (fleet: TestFleet) => fleet.change?.events.map(({ type, subject }) => `${type} ${subject}`);

test('a node registers, comes back and changes in place', () => {
  const fleet = new TestFleet();
  fleet.node('n1');
  expect(newEvents(fleet)).toEqual(['NodeRegistered node/n1']);
  const registeredAtMs = fleet.timeMs;
  expect(fleet.node('n1')).toMatchObject({ ok: true, unchanged: true });
  expect(fleet.change?.nodes).toEqual([]);
  fleet.lose('n1');
  expect(newEvents(fleet)).toEqual(['NodeLost node/n1']);
  fleet.node('n1', { memoryMib: 1 });
  expect(newEvents(fleet)).toEqual(['NodeReady node/n1']);
  expect(fleet.tables.nodes.get('id-n1')).toMatchObject({
    status: 'ready',
    statusMessage: '',
    registeredAtMs,
    statusChangedAtMs: fleet.timeMs,
    inventory: { memoryMib: 1 },
  });
});

test('a name belongs to a ready node, and goes to the next node once that one is lost', () => {
  const fleet = new TestFleet();
  fleet.node('n1');
  const about = { inventory: exampleInventory(), agentVersion: '0.1.0', httpAddress: '' };
  const stranger = { kind: 'register-node', id: 'other', name: 'n1', ...about } as const;
  expect(fleet.apply(stranger)).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect(fleet.tables.nodeByName('n1')?.id).toBe('id-n1');
  fleet.lose('n1');
  expect(fleet.apply(stranger)).toMatchObject({ ok: true });
  expect(fleet.tables.nodeByName('n1')?.id).toBe('other');
  expect([...fleet.tables.nodes.keys()]).toEqual(['other']);
  expect(fleet.change?.removedNodes.map(({ id }) => id)).toEqual(['id-n1']);
  expect(fleet.node('n1')).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
});

test('a node that takes another name gives its old one free', () => {
  const fleet = new TestFleet();
  fleet.node('n1');
  const about = { inventory: exampleInventory(), agentVersion: '0.1.0', httpAddress: '' };
  fleet.apply({ kind: 'register-node', id: 'id-n1', name: 'renamed', ...about });
  expect(fleet.tables.nodeByName('n1')).toBeUndefined();
  expect(fleet.apply({ kind: 'register-node', id: 'new', name: 'n1', ...about })).toMatchObject({ ok: true });
});

test('what runs on a lost node is lost with it, and what has ended is not', () => {
  const fleet = running();
  fleet.place({ id: 'a1', instance: 1 });
  fleet.report('a1', 'complete');
  fleet.lose('n1', 'unknown');
  expect(fleet.allocation('a0')).toMatchObject({
    state: 'lost',
    message: 'Node "n1" was lost',
    changedAtMs: fleet.timeMs,
  });
  expect(fleet.allocation('a1').state).toBe('complete');
  expect(fleet.tables.usageOfNode('id-n1')).toMatchObject({ cpuMillis: 0, memoryMib: 0, allocations: 0 });
  expect(newEvents(fleet)).toEqual(['NodeLost node/n1', 'AllocationLost allocation/a0']);
  fleet.node('n1');
  expect(fleet.allocation('a0').state).toBe('lost');
});

test('submitting: first, unchanged, changed, and expecting what is not so', () => {
  const fleet = new TestFleet();
  expect(fleet.submit({}, 5)).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  const first = fleet.submit({ environment: { A: '1', B: '2' } }, 0);
  expect(first).toMatchObject({ ok: true, version: 1, unchanged: false });
  const index = first.ok ? first.index : 0;
  expect(fleet.submit({ environment: { B: '2', A: '1' } })).toEqual({ ok: true, index, version: 1, unchanged: true });
  expect(fleet.change?.jobs).toEqual([]);
  expect(fleet.submit({ count: 9 }, index)).toMatchObject({ ok: true, version: 2, unchanged: false });
  expect(fleet.submit({ count: 8 }, index)).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect(fleet.submit({ count: 8 }, 0)).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  expect(fleet.tables.jobVersion('web', 1)?.spec.count).toBe(3);
  expect(fleet.tables.jobVersion('web', 2)?.spec.count).toBe(9);
});

test('a job changes its type only while it is stopped, and then runs from nothing', () => {
  const fleet = new TestFleet();
  fleet.submit();
  expect(fleet.submit({ type: 'batch' })).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
  fleet.apply({ kind: 'stop-job', name: 'web' });
  expect(fleet.submit({ type: 'batch' })).toMatchObject({ ok: true, version: 2 });
  expect(fleet.tables.jobs.get('web')).toMatchObject({ stopped: false, runsFromVersion: 2 });
});

test('a stopped job that is submitted unchanged runs again as a new version', () => {
  const fleet = new TestFleet();
  fleet.submit();
  fleet.apply({ kind: 'stop-job', name: 'web' });
  expect(fleet.submit()).toMatchObject({ ok: true, version: 2, unchanged: false });
});

test('stopping says how many instances will stop; twice is no error, and an unknown job is one', () => {
  const fleet = running();
  fleet.place({ id: 'a1', instance: 1 });
  fleet.report('a1', 'failed');
  const first = fleet.apply({ kind: 'stop-job', name: 'web' });
  expect(first).toMatchObject({ ok: true, stopping: 1 });
  expect(newEvents(fleet)).toEqual(['JobStopped job/web']);
  expect(fleet.apply({ kind: 'stop-job', name: 'web' })).toEqual({ ...first, stopping: 0 });
  expect(newEvents(fleet)).toEqual([]);
  expect(fleet.apply({ kind: 'stop-job', name: 'none' })).toMatchObject({ ok: false, code: 'CELL_E_NOT_FOUND' });
});

const outdated: readonly (readonly [string, (fleet: TestFleet) => void, Parameters<typeof examplePlacement>[0]])[] = [
  ['node is not ready', (fleet) => fleet.lose('n1'), {}],
  ['node is not ready', () => {}, { nodeId: 'unknown' }],
  ['job is not wanted any more', () => {}, { job: 'unknown' }],
  ['job is not wanted any more', (fleet) => fleet.apply({ kind: 'stop-job', name: 'web' }), {}],
  ['job version is gone', () => {}, { jobVersion: 7 }],
  ['instance is not wanted any more', () => {}, { instance: 3 }],
  ['instance is taken', () => {}, { instance: 0 }],
  ['id is taken', () => {}, { id: 'a0' }],
  ['cpu does not fit', () => {}, { cpuMillis: 3_501 }],
  ['memory does not fit', () => {}, { memoryMib: 3_841 }],
  ['port is taken', () => {}, { ports: { http: 20_000 } }],
  ['port is taken', () => {}, { ports: { http: 20_001, admin: 20_001 } }],
];

test.each(outdated)('a placement is left out when it is applied: %s', (reason, change, placement) => {
  const fleet = running();
  change(fleet);
  const result = fleet.place({ id: 'new', instance: 1, ...placement });
  expect(result).toMatchObject({ ok: true, placed: 0, leftOut: 1, leftOutReasons: { [reason]: 1 } });
  expect(fleet.tables.allocations.has('new')).toBe(false);
});

test('what just fits is placed, and two parts of one plan see each other', () => {
  const fleet = running();
  const placements = [
    examplePlacement({ id: 'a1', instance: 1, cpuMillis: 3_500, memoryMib: 3_840, ports: { http: 20_001 } }),
    examplePlacement({ id: 'a2', instance: 2, cpuMillis: 1 }),
    examplePlacement({ id: 'a3', instance: 1, cpuMillis: 0, memoryMib: 0 }),
  ];
  const result = fleet.apply({ kind: 'apply-plan', placements, stops: [], unplaced: [] });
  expect(result).toMatchObject({ placed: 1, leftOut: 2 });
  expect(result).toMatchObject({ leftOutReasons: { 'cpu does not fit': 1, 'instance is taken': 1 } });
});

test('a stop is carried out once, and the place stays reserved until the agent says that it has ended', () => {
  const fleet = running();
  const stops = [
    { id: 'a0', reason: 'scaled down' },
    { id: 'unknown', reason: '' },
  ];
  const stop = { kind: 'apply-plan', placements: [], stops, unplaced: [] } as const;
  expect(fleet.apply(stop)).toMatchObject({ stopped: 1, leftOut: 1 });
  expect(fleet.allocation('a0')).toMatchObject({ desired: 'stop', desiredReason: 'scaled down', state: 'pending' });
  expect(newEvents(fleet)).toEqual(['AllocationStopping allocation/a0']);
  expect(fleet.apply(stop)).toMatchObject({ stopped: 0, leftOut: 2 });
  expect(fleet.place({ id: 'a1' })).toMatchObject({ placed: 0, leftOutReasons: { 'instance is taken': 1 } });
  fleet.report('a0', 'stopped');
  expect(fleet.place({ id: 'a1', ports: { http: 20_000 } })).toMatchObject({ placed: 1 });
});

test('what is not placed is kept with the job until it is placed, stopped or submitted anew', () => {
  const fleet = running();
  const failure = { count: 2, reasons: [{ reason: 'full', nodes: 1 }], hint: 'add a node' };
  const setUnplaced = (value: typeof failure | undefined, job = 'web') =>
    fleet.apply({ kind: 'apply-plan', placements: [], stops: [], unplaced: [{ job, failure: value }] });
  const { modifyIndex } = fleet.tables.jobs.get('web')!;
  setUnplaced(failure);
  expect(newEvents(fleet)).toEqual(['JobUnplaced job/web']);
  expect(fleet.tables.jobs.get('web')).toMatchObject({ unplaced: failure, modifyIndex });
  setUnplaced({ ...failure, hint: 'another' });
  expect(newEvents(fleet)).toEqual([]);
  setUnplaced(undefined);
  expect(fleet.tables.jobs.get('web')?.unplaced).toBeUndefined();
  setUnplaced(failure);
  fleet.apply({ kind: 'stop-job', name: 'web' });
  setUnplaced(failure);
  expect(fleet.tables.jobs.get('web')?.unplaced).toBeUndefined();
  expect(setUnplaced(failure, 'unknown')).toMatchObject({ ok: true });
});

test('the life of an allocation is told in events', () => {
  const fleet = running();
  const told: (readonly string[] | undefined)[] = [];
  for (const [state, restarts] of [
    ['starting', 0],
    ['running', 0],
    ['healthy', 0],
    ['running', 0],
    ['unhealthy', 0],
    ['starting', 1],
    ['running', 1],
    ['failed', 1],
  ] as const) {
    fleet.report('a0', state, { restarts });
    told.push(fleet.change?.events.map(({ type }) => type));
  }
  expect(told).toEqual([
    [],
    ['AllocationStarted'],
    ['AllocationHealthy'],
    [],
    ['AllocationUnhealthy'],
    ['AllocationRestarted'],
    ['AllocationStarted'],
    ['AllocationFailed'],
  ]);
});

test('reports on ended allocations, from other nodes, and of losses are left out', () => {
  const fleet = running();
  const about = { id: 'a0', restarts: 0, exitCode: undefined, message: '' };
  const report = (nodeId: string, state: 'healthy' | 'lost') => ({ ...about, nodeId, state });
  const say = (...reports: ReturnType<typeof report>[]) => fleet.apply({ kind: 'report-allocations', reports });
  expect(say(report('id-other', 'healthy'), report('id-n1', 'lost'))).toMatchObject({ changed: 0, leftOut: 2 });
  expect(say(report('id-n1', 'healthy'))).toMatchObject({ changed: 1, leftOut: 0 });
  const { modifyIndex } = fleet.allocation('a0');
  expect(say(report('id-n1', 'healthy'))).toMatchObject({ changed: 0, leftOut: 0 });
  expect(fleet.allocation('a0').modifyIndex).toBe(modifyIndex);
  fleet.report('a0', 'complete');
  expect(say(report('id-n1', 'healthy'))).toMatchObject({ changed: 0, leftOut: 1 });
  expect(fleet.allocation('a0').state).toBe('complete');
});

test('only a new state moves the time of the change', () => {
  const fleet = running();
  fleet.report('a0', 'running');
  const changedAtMs = fleet.timeMs;
  fleet.report('a0', 'running', { message: 'Pid 7' });
  expect(fleet.allocation('a0')).toMatchObject({ changedAtMs, message: 'Pid 7', modifyIndex: fleet.tables.index });
});

test('a submission that comes twice, since its answer was lost, is no conflict', () => {
  const fleet = new TestFleet();
  const spec = exampleSpec();
  const submit = { kind: 'submit-job', spec, expectedIndex: 0 } as const;
  const first = fleet.apply(submit);
  expect(first).toMatchObject({ ok: true, version: 1, unchanged: false });
  expect(fleet.apply(submit)).toEqual({ ...first, unchanged: true });
  expect(fleet.apply({ ...submit, spec: { ...spec, count: spec.count + 1 } })).toMatchObject({
    code: 'CELL_E_CONFLICT',
  });
});

test('old versions go, except those that something runs or has completed', () => {
  const fleet = running();
  for (let round = 0; round < JOB_VERSIONS_MAX + 5; round += 1) fleet.submit({ environment: { ROUND: `${round}` } });
  const versions = [...fleet.tables.versionsOfJob('web')].map(({ version }) => version);
  expect(versions).toEqual([1, ...Array.from({ length: JOB_VERSIONS_MAX }, (_, position) => position + 7)]);
  fleet.report('a0', 'stopped');
  fleet.apply({ kind: 'collect-garbage' });
  expect(fleet.tables.jobVersion('web', 1)).toBeUndefined();
});

test('a completed batch instance is never forgotten while its job wants it', () => {
  const fleet = new TestFleet();
  fleet.node('n1', { cpuMillis: 1_000_000, memoryMib: 1_000_000 });
  fleet.submit({ name: 'batch', type: 'batch', count: 300 });
  for (let instance = 0; instance < 300; instance += 1) {
    fleet.place({ id: `a${instance}`, job: 'batch', instance });
    fleet.report(`a${instance}`, 'complete');
  }
  fleet.apply({ kind: 'collect-garbage' });
  expect(fleet.tables.allocations.size).toBe(300);
  fleet.apply({ kind: 'stop-job', name: 'batch' });
  expect(fleet.apply({ kind: 'collect-garbage' })).toMatchObject({ removedAllocations: 280 });
  expect(fleet.change?.removedAllocations).toHaveLength(280);
  expect(fleet.tables.allocations.has('a299')).toBe(true);
});

test('marks come together to ranges, in whatever order and however often they are written', () => {
  const fleet = new TestFleet();
  const write = (sequence: number, drillId = 'd') => fleet.apply({ kind: 'write-mark', drillId, sequence });
  for (const sequence of [5, 3, 4, 4, 9, 0, 1, 10, 8]) expect(write(sequence).ok).toBe(true);
  expect(fleet.tables.drills.get('d')?.ranges).toEqual([
    [0, 1],
    [3, 5],
    [8, 10],
  ]);
  for (let drill = 0; drill < DRILLS_MAX; drill += 1) write(0, `d${drill}`);
  expect(fleet.tables.drills.size).toBe(DRILLS_MAX);
  expect(fleet.tables.drills.has('d')).toBe(false);
});

test('a drill with too many gaps is refused', () => {
  const fleet = new TestFleet();
  const write = (sequence: number) => fleet.apply({ kind: 'write-mark', drillId: 'd', sequence });
  for (let mark = 0; mark < DRILL_RANGES_MAX; mark += 1) write(2 * mark);
  expect(write(2 * DRILL_RANGES_MAX)).toMatchObject({ ok: false, code: 'CELL_E_LIMIT' });
  expect(write(1)).toMatchObject({ ok: true });
  expect(write(2 * DRILL_RANGES_MAX)).toMatchObject({ ok: true });
});
