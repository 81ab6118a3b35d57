import type { JobSpec } from '@cell/job';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AllocationRow, isFinal, type NodeRow } from '../model/entities.ts';
import { instanceKey } from '../model/instances.ts';
import { commandArbitrary, exampleSpec } from '../state/testing/fleet-arbitraries.ts';
import type { Untimed } from '../state/testing/untimed.ts';
import { meetsAll } from './constraints.ts';
import { isEmpty, PlannedFleet } from './testing/planned-fleet-suite.ts';

const jobArbitrary: fc.Arbitrary<Partial<JobSpec>> = fc
  .record({
    name: fc.constantFrom('web', 'batch', 'everywhere', 'other'),
    count: fc.integer({ min: 1, max: 6 }),
    command: fc.constantFrom(['one'], ['two']),
    resources: fc.record({ cpuMillis: fc.constantFrom(100, 2_500), memoryMib: fc.constantFrom(64, 700) }),
    ports: fc.constantFrom([], [{ name: 'http', port: 0 }], [{ name: 'fixed', port: 20_001 }]),
    constraints: fc.constantFrom([], [{ attribute: 'a', operator: 'equal' as const, value: '2' }]),
    sandbox: fc.constantFrom('default' as const, 'default' as const, 'strict' as const),
    limits: fc.constantFrom(0, 0, 10).map((tasksMax) => ({ ...exampleSpec().limits, tasksMax })),
  })
  .map((changes) => {
    const types = { batch: 'batch', everywhere: 'system' } as const;
    const type = types[changes.name as keyof typeof types] ?? 'service';
    return { ...changes, type, count: type === 'system' ? 0 : changes.count };
  });

type Move = Untimed | { readonly kind: 'plan' } | { readonly kind: 'agents'; readonly say: AllocationRow['state'] };

const moveArbitrary: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Move>({ kind: 'plan' }) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom<AllocationRow['state']>('healthy', 'running', 'unhealthy', 'failed', 'complete', 'stopped')
      .map((say): Move => ({ kind: 'agents', say })),
  },
  {
    weight: 3,
    arbitrary: jobArbitrary.map((changes): Move => {
      return { kind: 'submit-job', spec: exampleSpec(changes), expectedIndex: undefined };
    }),
  },
  {
    weight: 3,
    arbitrary: commandArbitrary.filter(({ kind }) =>
      ['register-node', 'set-node-status', 'stop-job', 'collect-garbage'].includes(kind),
    ),
  },
  {
    weight: 2,
    arbitrary: commandArbitrary.filter(({ kind }) =>
      ['drain-node', 'undrain-node', 'set-node-eligibility'].includes(kind),
    ),
  },
);

const historyArbitrary = fc.array(moveArbitrary, { maxLength: 60, size: 'max' });

function make(fleet: PlannedFleet, move: Move, checks: (fleet: PlannedFleet) => void = () => {}): void {
  if (move.kind === 'agents') fleet.agentsReport(move.say, (instance) => (instance + fleet.seed) % 2 === 0);
  else if (move.kind !== 'plan') fleet.apply(move);
  else {
    checks(fleet);
    fleet.seed += 1;
    fleet.step();
  }
}

/** Free room of a node, counted anew from all rows: what the planner's room should say. */
function naiveFits(fleet: PlannedFleet, node: NodeRow, spec: JobSpec, more: readonly AllocationLike[]): boolean {
  if (node.status !== 'ready' || !node.eligible || !meetsAll(spec.constraints, node.inventory.attributes)) return false;
  const can = (capability: string) => node.inventory.capabilities.includes(capability);
  if ((spec.sandbox === 'strict' && !can('sandbox.strict')) || (spec.limits.tasksMax > 0 && !can('limit.tasks-max'))) {
    return false;
  }
  const rows: AllocationLike[] = [...fleet.tables.allocations.values()].filter((row) => !isFinal(row));
  const here = [...rows, ...more].filter((row) => row.nodeId === node.id);
  const sum = (of: (row: AllocationLike) => number) => here.reduce((total, row) => total + of(row), 0);
  const used = new Set(here.flatMap((row) => Object.values(row.ports)));
  const fixed = spec.ports.map(({ port }) => port).filter((port) => port !== 0);
  const { portFirst, portLast, cpuMillis, memoryMib } = node.inventory;
  let free = 0;
  for (let port = portFirst; port <= portLast; port += 1) if (!used.has(port) && !fixed.includes(port)) free += 1;
  return (
    sum((row) => row.cpuMillis) + spec.resources.cpuMillis <= cpuMillis &&
    sum((row) => row.memoryMib) + spec.resources.memoryMib <= memoryMib &&
    fixed.every((port) => !used.has(port)) &&
    free >= spec.ports.length - fixed.length
  );
}

type AllocationLike = Pick<AllocationRow, 'nodeId' | 'ports' | 'cpuMillis' | 'memoryMib'>;

test('every placement fits where it goes, and what is not placed fits nowhere', () => {
  fc.assert(
    fc.property(historyArbitrary, (history) => {
      const fleet = new PlannedFleet();
      const check = () => {
        const plan = fleet.plan();
        const before: AllocationLike[] = [];
        for (const placement of plan.placements) {
          const spec = fleet.tables.jobs.get(placement.job)!.spec;
          const node = fleet.tables.nodes.get(placement.nodeId)!;
          expect(naiveFits(fleet, node, spec, before)).toBe(true);
          before.push(placement);
        }
        for (const { job, failure } of plan.unplaced) {
          const { spec } = fleet.tables.jobs.get(job)!;
          const noNode = failure?.reasons.every(({ reason }) => !reason.includes('version')) ?? false;
          if (!noNode || spec.type === 'system') continue;
          const nodes = [...fleet.tables.nodes.values()];
          expect(nodes.filter((node) => naiveFits(fleet, node, spec, before))).toEqual([]);
        }
      };
      for (const move of history) make(fleet, move, check);
    }),
    { numRuns: 100 },
  );
});

/** Whether a second allocation of the instance may take over from this one. */
function mayMove({ tables }: PlannedFleet, row: AllocationRow): boolean {
  const { spec } = tables.jobs.get(row.job)!;
  return spec.type === 'service' && tables.nodes.get(row.nodeId)?.drain !== undefined;
}

test('a plan that is carried out at once holds in every part, and no instance is there twice unless it moves', () => {
  fc.assert(
    fc.property(historyArbitrary, (history) => {
      const fleet = new PlannedFleet();
      for (const move of history) {
        if (move.kind !== 'plan') {
          make(fleet, move);
          continue;
        }
        fleet.seed += 1;
        expect(fleet.carryOut(fleet.plan())).toMatchObject({ ok: true, leftOut: 0 });
        const alive = [...fleet.tables.allocations.values()].filter((row) => !isFinal(row));
        const keys = alive
          .filter((row) => row.desired === 'run' && !mayMove(fleet, row))
          .map((row) => `${row.job}/${instanceKey(fleet.tables.jobs.get(row.job)!.spec, row)}`);
        expect(new Set(keys).size).toBe(keys.length);
      }
    }),
    { numRuns: 100 },
  );
});

test('the same state and the same seed give the same plan, whatever order the rows came in', () => {
  fc.assert(
    fc.property(historyArbitrary, (history) => {
      const fleet = new PlannedFleet();
      for (const move of history) make(fleet, move);
      const other = new PlannedFleet();
      other.timeMs = fleet.timeMs;
      other.seed = fleet.seed;
      const { tables } = other;
      for (const row of [...fleet.tables.nodes.values()].reverse()) tables.putNode(row);
      for (const row of [...fleet.tables.jobs.values()].reverse()) {
        tables.putJob(row);
        for (const version of fleet.tables.versionsOfJob(row.name)) tables.putJobVersion(version);
      }
      for (const row of [...fleet.tables.allocations.values()].reverse()) tables.putAllocation(row);
      expect(other.plan()).toEqual(fleet.plan());
    }),
    { numRuns: 60 },
  );
});

test('once all that runs is healthy, planning what changes affect leads to where nothing is left to do', () => {
  fc.assert(
    fc.property(historyArbitrary, (history) => {
      const fleet = new PlannedFleet();
      for (const move of history) make(fleet, move);
      fleet.settle();
      const rest = fleet.plan();
      expect({ ...rest, unplaced: [] }).toEqual({ placements: [], stops: [], unplaced: [], unfinishedJobs: [] });
      // Room that others took since then may have changed the numbers in a reason, but not who waits.
      for (const { job, failure } of rest.unplaced) {
        expect(failure?.count).toBe(fleet.tables.jobs.get(job)?.unplaced?.count);
      }
      fleet.carryOut(rest);
      expect(isEmpty(fleet.plan())).toBe(true);
      const outdated = [...fleet.tables.allocations.values()].filter(
        (row) => !isFinal(row) && fleet.tables.jobs.get(row.job)?.stopped === true,
      );
      expect(outdated).toEqual([]);
    }),
    { numRuns: 100 },
  );
});
