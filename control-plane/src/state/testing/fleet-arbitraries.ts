/** Examples of everything in a fleet, and random histories of it. */
import type { JobSpec } from '@cell/job';
import fc from 'fast-check';
import type { AllocationRow, AllocationState, Inventory } from '../../model/entities.ts';
import { type Applied, applyCommand } from '../apply/apply-command.ts';
import type { CommandResult, DrainNode, Founder, Placement } from '../commands.ts';
import type { StateChange } from '../fleet-state.ts';
import { FleetTables } from '../fleet-tables.ts';
import { decodeCommand, encodeCommand } from '../format/command-codec.ts';
import { identityArbitrary, maybeAudited } from './identity-arbitraries.ts';
import type { Untimed } from './untimed.ts';

export function exampleSpec(changes: Partial<JobSpec> = {}): JobSpec {
  return {
    name: 'web',
    type: 'service',
    count: 3,
    command: ['serve'],
    environment: {},
    user: '',
    workingDirectory: '',
    resources: { cpuMillis: 500, memoryMib: 256 },
    ports: [{ name: 'http', port: 0 }],
    constraints: [],
    health: undefined,
    restart: { mode: 'on-failure', attempts: 3, windowMs: 60_000, delayMs: 1_000, delayMaxMs: 30_000 },
    onDisconnect: 'keep',
    stop: { signal: 'SIGTERM', timeoutMs: 10_000 },
    sandbox: 'default',
    dynamicUser: false,
    limits: {
      memoryMaxMib: 0,
      memoryHighMib: 0,
      cpuMaxMillis: 0,
      cpuWeight: 0,
      ioWeight: 0,
      tasksMax: 0,
      filesMax: 0,
    },
    network: { private: false, deny: [], allow: [] },
    directories: [],
    credentials: {},
    environmentFiles: [],
    devices: [],
    namespace: 'default',
    secrets: {},
    ...changes,
  };
}

export function exampleInventory(changes: Partial<Inventory> = {}): Inventory {
  return {
    cpuMillis: 4_000,
    memoryMib: 4_096,
    diskFreeMib: 100_000,
    address: '127.0.0.1',
    portFirst: 20_000,
    portLast: 29_999,
    attributes: { 'kernel.name': 'linux' },
    runtime: 'process',
    capabilities: [],
    ...changes,
  };
}

/** Tables with a clock that moves on a second with each command. Commands go through the codec, as they do in life. */
export class TestFleet {
  readonly tables: FleetTables;
  timeMs = 1_000_000;
  change: StateChange | undefined;

  constructor(tables = new FleetTables()) {
    this.tables = tables;
  }

  apply(command: Untimed): CommandResult {
    return this.applied(command).result;
  }

  applied(command: Untimed): Applied {
    this.timeMs += 1_000;
    const bytes = encodeCommand({ ...command, timeMs: this.timeMs });
    const applied = applyCommand(this.tables, decodeCommand(bytes), this.tables.index + 1);
    this.change = applied.change;
    return applied;
  }

  node(name: string, changes: Partial<Inventory> = {}): CommandResult {
    return this.apply({
      kind: 'register-node',
      id: `id-${name}`,
      name,
      inventory: exampleInventory(changes),
      agentVersion: '0.1.0',
      httpAddress: '127.0.0.1:7603',
    });
  }

  found(...ids: readonly number[]): CommandResult {
    return this.apply({ kind: 'found-members', members: ids.map((id) => exampleFounder(id)) });
  }

  invite(id: number, at = id): CommandResult {
    return this.apply({ kind: 'invite-member', id, ...exampleAddresses(at) });
  }

  lose(...names: readonly string[]): CommandResult {
    const message = 'Its lease ran out';
    const nodes = names.map((name) => ({ id: `id-${name}`, status: 'lost' as const, message }));
    return this.apply({ kind: 'set-node-status', nodes });
  }

  drain(name: string, changes: Partial<Untimed<DrainNode>> = {}): CommandResult {
    return this.apply({
      kind: 'drain-node',
      id: `id-${name}`,
      deadlineMs: undefined,
      keepSystemJobs: false,
      ...changes,
    });
  }

  undrain(name: string): CommandResult {
    return this.apply({ kind: 'undrain-node', id: `id-${name}` });
  }

  /** The leader has counted the time that a drain has left down to this. */
  drainTime(name: string, remainingMs: number): CommandResult {
    const id = `id-${name}`;
    const setIndex = this.tables.nodes.get(id)?.drain?.setIndex ?? 0;
    return this.apply({ kind: 'note-drain-time', drains: [{ id, setIndex, remainingMs }] });
  }

  setEligible(name: string, eligible: boolean): CommandResult {
    return this.apply({ kind: 'set-node-eligibility', id: `id-${name}`, eligible });
  }

  submit(changes: Partial<JobSpec> = {}, expectedIndex?: number): CommandResult {
    return this.apply({ kind: 'submit-job', spec: exampleSpec(changes), expectedIndex });
  }

  place(changes: Partial<Placement>): CommandResult {
    return this.apply({ kind: 'apply-plan', placements: [examplePlacement(changes)], stops: [], unplaced: [] });
  }

  report(id: string, state: AllocationState, changes: { message?: string; restarts?: number } = {}): CommandResult {
    const nodeId = this.tables.allocations.get(id)?.nodeId ?? '';
    const report = { id, nodeId, state, restarts: 0, exitCode: undefined, message: '', ...changes };
    return this.apply({ kind: 'report-allocations', reports: [report] });
  }

  allocation(id: string): AllocationRow {
    const row = this.tables.allocations.get(id);
    if (row === undefined) throw new Error(`There is no allocation "${id}"`);
    return row;
  }
}

export function exampleAddresses(id: number) {
  return { grpc: `m${id}:7600`, peers: `m${id}:7601`, http: `m${id}:7602` };
}

export function exampleFounder(id: number): Founder {
  return { id, ...exampleAddresses(id), incarnation: `name-${id}` };
}

export function examplePlacement(changes: Partial<Placement> = {}): Placement {
  return {
    id: 'a0',
    job: 'web',
    jobVersion: 1,
    instance: 0,
    nodeId: 'id-n1',
    ports: {},
    cpuMillis: 500,
    memoryMib: 256,
    placementReason: 'as an example',
    ...changes,
  };
}

const numberBelow = (limit: number) => fc.nat(limit - 1);
const nodeNumber = numberBelow(4);
const jobName = fc.constantFrom('web', 'batch', 'everywhere', 'other');
const allocationId = numberBelow(12).map((number) => `a${number}`);
const states: readonly AllocationState[] = [
  'pending',
  'starting',
  'running',
  'healthy',
  'unhealthy',
  'complete',
  'failed',
  'stopped',
  'lost',
];

const specArbitrary: fc.Arbitrary<JobSpec> = fc
  .record({
    name: jobName,
    count: fc.integer({ min: 1, max: 4 }),
    command: fc.constantFrom(['serve'], ['serve', 'ü']),
    environment: fc.dictionary(fc.constantFrom('B', 'A', '__proto__', '1'), fc.constantFrom('x', 'y')),
  })
  .map((changes) => {
    const types = { batch: 'batch', everywhere: 'system' } as const;
    const type = types[changes.name as keyof typeof types] ?? 'service';
    return exampleSpec({ ...changes, type, ports: [] });
  });

const indexArbitrary = fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(3) });

/** Few ids and names, so that commands meet each other. */
export const commandArbitrary: fc.Arbitrary<Untimed> = fc.oneof(
  fc
    .record({
      id: nodeNumber,
      name: nodeNumber,
      memoryMib: fc.constantFrom(512, 1024),
      attribute: fc.boolean(),
      capabilities: fc.constantFrom([], ['limit.tasks-max'], ['limit.tasks-max', 'sandbox.strict']),
    })
    .map(
      ({ id, name, memoryMib, attribute, capabilities }): Untimed => ({
        kind: 'register-node',
        id: `id-n${id}`,
        name: `n${name}`,
        inventory: exampleInventory({ memoryMib, capabilities, attributes: attribute ? { b: '1', a: '2' } : {} }),
        agentVersion: '0.1.0',
        httpAddress: '127.0.0.1:7603',
      }),
    ),
  fc.record({ node: nodeNumber, lost: fc.integer({ min: 0, max: 2 }).map((number) => number === 0) }).map(
    ({ node, lost }): Untimed => ({
      kind: 'set-node-status',
      nodes: [{ id: `id-n${node}`, status: lost ? 'lost' : 'ready', message: 'because' }],
    }),
  ),
  drainArbitrary(),
  fc
    .record({ spec: specArbitrary, expectedIndex: indexArbitrary })
    .map((fields): Untimed => ({ kind: 'submit-job', ...fields })),
  fc
    .tuple(jobName, numberBelow(4))
    .map(
      ([name, rarely]): Untimed => (rarely === 0 ? { kind: 'stop-job', name } : { kind: 'leader-elected', member: 1 }),
    ),
  planArbitrary(),
  planArbitrary(),
  planArbitrary(),
  reportArbitrary(),
  reportArbitrary(),
  fc.constant<Untimed>({ kind: 'collect-garbage' }),
  fc.nat(3).map((member): Untimed => ({ kind: 'leader-elected', member })),
  fc
    .record({ drillId: fc.constantFrom('d1', 'd2'), sequence: fc.nat(12) })
    .map((fields): Untimed => ({ kind: 'write-mark', ...fields })),
  membershipArbitrary(),
  identityArbitrary(),
  identityArbitrary(),
);

/** A fleet with nodes and jobs, to which anything may happen then. */
export const historyArbitrary: fc.Arbitrary<Untimed[]> = fc
  .array(maybeAudited(commandArbitrary), { maxLength: 120, size: 'max' })
  .map((commands) => [...opening, ...commands]);

const opening: readonly Untimed[] = [
  ...[0, 1, 2, 3].map((number): Untimed => {
    const inventory = exampleInventory({ memoryMib: 1024 });
    const about = { agentVersion: '0.1.0', httpAddress: '127.0.0.1:7603' };
    return { kind: 'register-node', id: `id-n${number}`, name: `n${number}`, inventory, ...about };
  }),
  ...(['web', 'batch', 'everywhere'] as const).map((name): Untimed => {
    const type = { web: 'service', batch: 'batch', everywhere: 'system' } as const;
    const spec = exampleSpec({ name, type: type[name], count: 4, ports: [] });
    return { kind: 'submit-job', spec, expectedIndex: undefined };
  }),
];

/** Few ids and addresses. Recovery is rare, since little is left of the members after it. */
export function membershipArbitrary(): fc.Arbitrary<Untimed> {
  const id = fc.integer({ min: 1, max: 12 });
  const invite = fc
    .tuple(id, id, fc.boolean())
    .map(
      ([member, at, own]): Untimed => ({ kind: 'invite-member', id: member, ...exampleAddresses(own ? member : at) }),
    );
  const admit = fc
    .tuple(id, fc.constantFrom('', 'one', 'other'))
    .map(([member, incarnation]): Untimed => ({ kind: 'admit-member', id: member, incarnation }));
  const found = fc
    .array(id, { maxLength: 10 })
    .map((ids): Untimed => ({ kind: 'found-members', members: ids.map((member) => exampleFounder(member)) }));
  const recover = fc.tuple(id, fc.constantFrom('c1', 'c2')).map(([survivor, clusterId]): Untimed => {
    return { kind: 'recover-cluster', survivor, clusterId, formerClusterId: 'c0' };
  });
  return fc.oneof(
    { weight: 12, arbitrary: invite },
    { weight: 8, arbitrary: admit },
    { weight: 4, arbitrary: id.map((member): Untimed => ({ kind: 'remove-member', id: member })) },
    { weight: 2, arbitrary: found },
    { weight: 1, arbitrary: id.map((member): Untimed => ({ kind: 'note-promotion', id: member })) },
    { weight: 1, arbitrary: recover },
  );
}

/** Ends as often as it begins, so that there are both nodes that take allocations and nodes that do not. */
function drainArbitrary(): fc.Arbitrary<Untimed> {
  const id = nodeNumber.map((number) => `id-n${number}`);
  const drain = fc
    .record({ id, deadlineMs: fc.constantFrom(undefined, 0, 1_000), keepSystemJobs: fc.boolean() })
    .map((fields): Untimed => ({ kind: 'drain-node', ...fields }));
  const eligibility = fc
    .record({ id, eligible: fc.boolean() })
    .map((fields): Untimed => ({ kind: 'set-node-eligibility', ...fields }));
  const note = fc
    .record({ id, setIndex: fc.nat(200), remainingMs: fc.constantFrom(0, 500, 2_000) })
    .map((fields): Untimed => ({ kind: 'note-drain-time', drains: [fields] }));
  return fc.oneof(
    drain,
    id.map((node): Untimed => ({ kind: 'undrain-node', id: node })),
    eligibility,
    note,
  );
}

function reportArbitrary(): fc.Arbitrary<Untimed> {
  return fc
    .array(
      fc.record({
        id: allocationId,
        nodeId: nodeNumber.map((number) => `id-n${number}`),
        state: fc.constantFrom(...states),
        restarts: fc.nat(2),
        exitCode: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
        message: fc.constantFrom('', 'because'),
      }),
      { maxLength: 12 },
    )
    .map((reports): Untimed => ({ kind: 'report-allocations', reports }));
}

function planArbitrary(): fc.Arbitrary<Untimed> {
  const placement = fc
    .record({
      id: allocationId,
      job: fc.constantFrom('web', 'web', 'batch', 'everywhere'),
      jobVersion: fc.constantFrom(1, 1, 1, 2, 3),
      instance: fc.nat(3),
      nodeId: nodeNumber.map((number) => `id-n${number}`),
      ports: fc.dictionary(fc.constantFrom('http', 'admin'), fc.integer({ min: 20_000, max: 20_003 })),
      memoryMib: fc.constantFrom(128, 256),
    })
    .map((changes) => examplePlacement(changes));
  return fc.record({
    kind: fc.constant('apply-plan' as const),
    placements: fc.array(placement, { maxLength: 6 }),
    stops: fc.array(fc.record({ id: allocationId, reason: fc.constant('because') }), { maxLength: 2 }),
    unplaced: fc.array(
      fc.record({
        job: jobName,
        failure: fc.constantFrom(undefined, { count: 1, reasons: [{ reason: 'full', nodes: 2 }], hint: '' }),
      }),
      { maxLength: 1 },
    ),
  });
}
