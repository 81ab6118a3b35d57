import type { JobSpec } from '@cell/job';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFinal } from '../model/entities.ts';
import { isUp } from '../model/instances.ts';
import { exampleSpec } from '../state/testing/fleet-arbitraries.ts';
import { drainWaits } from './drain-waits.ts';
import { PlannedFleet } from './testing/planned-fleet-suite.ts';

const NODES = 5;

const jobsArbitrary: fc.Arbitrary<readonly JobSpec[]> = fc
  .tuple(fc.integer({ min: 1, max: 25 }), fc.integer({ min: 1, max: 25 }), fc.nat(4), fc.boolean())
  .map(([keeps, stops, batch, everywhere]) => {
    const resources = { cpuMillis: 10, memoryMib: 20 };
    return [
      exampleSpec({ name: 'web', count: keeps, resources }),
      exampleSpec({ name: 'single', count: stops, resources, onDisconnect: 'stop' }),
      ...(batch === 0 ? [] : [exampleSpec({ name: 'sort', type: 'batch', count: batch, resources, ports: [] })]),
      ...(everywhere ? [exampleSpec({ name: 'agent', type: 'system', count: 0, resources, ports: [] })] : []),
    ];
  });

type Step =
  | { readonly kind: 'plan' }
  /** Agents say what is so, of some of the instances. */
  | { readonly kind: 'report'; readonly part: number }
  | { readonly kind: 'drain' | 'undrain'; readonly node: number; readonly keepSystemJobs: boolean };

const node = fc.nat(NODES - 1);
const stepsArbitrary: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Step>({ kind: 'plan' }) },
    { weight: 4, arbitrary: fc.nat(3).map((part): Step => ({ kind: 'report', part })) },
    {
      weight: 1,
      arbitrary: fc
        .record({ kind: fc.constantFrom('drain' as const, 'undrain' as const), node, keepSystemJobs: fc.boolean() })
        .map((step): Step => step),
    },
  ),
  { maxLength: 60, size: 'max' },
);

function settledFleet(jobs: readonly JobSpec[], memoryMib: number): PlannedFleet {
  const fleet = new PlannedFleet();
  for (let number = 0; number < NODES; number += 1) fleet.node(`n${number}`, { memoryMib });
  for (const job of jobs) fleet.submit(job);
  fleet.settle();
  return fleet;
}

function take(fleet: PlannedFleet, step: Step): void {
  if (step.kind === 'plan') fleet.step();
  else if (step.kind === 'report') fleet.agentsReport('healthy', (instance) => instance % 4 === step.part);
  else if (step.kind === 'undrain') fleet.undrain(`n${step.node}`);
  else fleet.drain(`n${step.node}`, { keepSystemJobs: step.keepSystemJobs });
}

/** Instances of a job of which at least one allocation works. */
function upCount(fleet: PlannedFleet, job: string): number {
  const up = [...fleet.tables.allocationsOfJob(job)].filter((row) => !isFinal(row) && isUp(row));
  return new Set(up.map(({ instance }) => instance)).size;
}

test('while there is room, no drain takes away more instances of a service than a rollout would', () => {
  fc.assert(
    fc.property(jobsArbitrary, stepsArbitrary, (jobs, steps) => {
      const fleet = settledFleet(jobs, 4_096);
      const [web, single] = jobs;
      for (const step of steps) {
        // Some node must be left to go to.
        const drained = [...fleet.tables.nodes.values()].filter(({ eligible }) => !eligible).length;
        if (step.kind === 'drain' && drained >= NODES - 1) continue;
        take(fleet, step);
        expect(upCount(fleet, 'web')).toBe(web?.count);
        const count = single?.count ?? 0;
        expect(upCount(fleet, 'single')).toBeGreaterThanOrEqual(count - Math.max(1, Math.floor(count / 10)));
        expect(atMostOne(fleet, 'single')).toBe(true);
        expect(mostOfOne(fleet, 'web')).toBeLessThanOrEqual(3);
      }
    }),
    { numRuns: 60 },
  );
});

function atMostOne(fleet: PlannedFleet, job: string): boolean {
  return mostOfOne(fleet, job) <= 1;
}

/** Allocations that have not ended of the instance that has the most of them; a former one may still be stopping. */
function mostOfOne(fleet: PlannedFleet, job: string): number {
  const counts = new Map<number, number>();
  for (const row of fleet.tables.allocationsOfJob(job)) {
    if (!isFinal(row)) counts.set(row.instance, (counts.get(row.instance) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

test('in the end a drained node is empty, or it is told of each allocation why it is still there', () => {
  fc.assert(
    fc.property(jobsArbitrary, stepsArbitrary, fc.constantFrom(120, 300, 4_096), (jobs, steps, memoryMib) => {
      const fleet = settledFleet(jobs, memoryMib);
      for (const step of steps) take(fleet, step);
      fleet.settle();
      for (const row of fleet.tables.nodes.values()) {
        const waits = drainWaits(fleet.tables, row);
        const left = fleet.living().filter((line) => line.includes(` ${row.name} `));
        const finished = row.drain?.finishedAtMs !== undefined;
        if (finished && !row.drain?.keepSystemJobs) expect(left).toEqual([]);
        if (row.drain === undefined || finished) expect(waits).toEqual([]);
        else {
          expect(waits.length).toBeGreaterThan(0);
          // Batch instances run for ever here, and what goes last waits for them.
          const answers = waits.filter(({ row: { job }, stuck }) => stuck || job === 'sort' || job === 'agent');
          expect(answers).toEqual(waits);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test('after the deadline nothing stays, whatever room there is elsewhere', () => {
  fc.assert(
    fc.property(jobsArbitrary, stepsArbitrary, fc.constantFrom(120, 4_096), (jobs, steps, memoryMib) => {
      const fleet = settledFleet(jobs, memoryMib);
      for (const step of steps) take(fleet, step);
      fleet.drain('n0', { deadlineMs: 60_000 });
      fleet.drainTime('n0', 0);
      fleet.settle();
      expect(fleet.living().filter((line) => line.includes(' n0 '))).toEqual([]);
      expect(fleet.tables.nodes.get('id-n0')?.drain?.finishedAtMs).toBeDefined();
    }),
    { numRuns: 60 },
  );
});
