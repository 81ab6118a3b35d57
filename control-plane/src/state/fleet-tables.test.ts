import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFinal } from '../model/entities.ts';
import { applyCommand } from './apply/apply-command.ts';
import type { Command } from './commands.ts';
import type { FleetTables } from './fleet-tables.ts';
import { decodeCommand, encodeCommand } from './format/command-codec.ts';
import { restoreTables } from './format/restore-tables.ts';
import { captureTables } from './format/snapshot.ts';
import { ENDED_HISTORY_PER_JOB_MAX, EVENTS_MAX } from './limits.ts';
import { historyArbitrary, TestFleet } from './testing/fleet-arbitraries.ts';
import { SECRET_MARK, unaudited } from './testing/identity-arbitraries.ts';

/** Everything that the indexes should say, counted anew from the rows. */
function naiveIndexes(tables: FleetTables) {
  const allocations = [...tables.allocations.values()];
  const alive = allocations.filter((row) => !isFinal(row));
  const jobs = [...tables.jobs.values()];
  const nodes = [...tables.nodes.values()];
  return {
    byJob: jobs.map((job) => allocations.filter((row) => row.job === job.name).map((row) => row.id)),
    ended: jobs.map((job) => allocations.filter((row) => row.job === job.name && isFinal(row)).length),
    byNode: [...tables.nodes.keys()].map((id) => allocations.filter((row) => row.nodeId === id).map((row) => row.id)),
    usage: [...tables.nodes.keys()].map((id) => {
      const here = alive.filter((row) => row.nodeId === id);
      return {
        cpuMillis: here.reduce((sum, row) => sum + row.cpuMillis, 0),
        memoryMib: here.reduce((sum, row) => sum + row.memoryMib, 0),
        allocations: here.length,
        ports: here.flatMap((row) => Object.values(row.ports).map((port) => `${port}=${row.id}`)).sort(),
      };
    }),
    unplaced: jobs.filter((job) => job.unplaced !== undefined).map((job) => job.name),
    system: jobs.filter((job) => job.spec.type === 'system').map((job) => job.name),
    draining: nodes.filter(({ drain }) => drain !== undefined && drain.finishedAtMs === undefined).map(({ id }) => id),
    names: nodes.map((node) => node.id),
    tokens: [...tables.tokens.keys()],
    joined: [...tables.nodeIdentities.values()].filter(({ revokedAtMs }) => revokedAtMs === undefined).length,
    sealed: [...tables.secrets.values()].reduce((sum, { sealed }) => sum + sealed.length, 0),
  };
}

function keptIndexes(tables: FleetTables): ReturnType<typeof naiveIndexes> {
  const order = [...tables.allocations.keys()];
  const ids = (rows: Iterable<{ id: string }>) =>
    [...rows].map((row) => row.id).sort((one, other) => order.indexOf(one) - order.indexOf(other));
  const jobs = [...tables.jobs.values()];
  return {
    byJob: jobs.map((job) => ids(tables.allocationsOfJob(job.name))),
    ended: jobs.map((job) => tables.endedOfJob(job.name)),
    byNode: [...tables.nodes.keys()].map((id) => ids(tables.allocationsOnNode(id))),
    usage: [...tables.nodes.keys()].map((id) => {
      const usage = tables.usageOfNode(id);
      return { ...usage, ports: [...usage.ports].map(([port, owner]) => `${port}=${owner}`).sort() };
    }),
    unplaced: jobs.filter((job) => tables.unplacedJobs.has(job.name)).map((job) => job.name),
    system: jobs.filter((job) => tables.systemJobs.has(job.name)).map((job) => job.name),
    draining: [...tables.nodes.keys()].filter((id) => tables.drainingNodes.has(id)),
    names: [...tables.nodes.values()].map((node) => tables.nodeByName(node.name)?.id ?? ''),
    tokens: [...tables.tokens.values()].map(({ name }) => tables.identity.tokenByName(name)?.id ?? ''),
    joined: tables.identity.joinedNodes,
    sealed: tables.identity.sealedSize,
  };
}

const bytesOf = (tables: FleetTables) => Buffer.concat([...captureTables(tables)]).toString();

test('indexes always say what the rows say', () => {
  fc.assert(
    fc.property(historyArbitrary, (history) => {
      const fleet = new TestFleet();
      for (const command of history) {
        fleet.apply(command);
        expect(keptIndexes(fleet.tables)).toEqual(naiveIndexes(fleet.tables));
      }
    }),
    { numRuns: 60 },
  );
});

test('no history puts more on a node than it has, or anything where nothing may go, or one port out twice', () => {
  fc.assert(
    fc.property(historyArbitrary, (history) => {
      const fleet = new TestFleet();
      for (const command of history) {
        const before = new Map([...fleet.tables.nodes].map(([id, node]) => [id, node.inventory]));
        fleet.apply(command);
        if (command.kind !== 'apply-plan') continue;
        const alive = [...fleet.tables.allocations.values()].filter((row) => !isFinal(row));
        const fresh = alive.filter((row) => row.modifyIndex === fleet.tables.index && row.desired === 'run');
        for (const row of fresh) {
          expect(fleet.tables.nodes.get(row.nodeId)).toMatchObject({ status: 'ready', eligible: true });
          expect(fleet.tables.usageOfNode(row.nodeId).memoryMib).toBeLessThanOrEqual(
            before.get(row.nodeId)?.memoryMib ?? 0,
          );
        }
        const ports = alive.flatMap((row) => Object.values(row.ports).map((port) => `${row.nodeId}:${port}`));
        expect(new Set(ports).size).toBe(ports.length);
      }
    }),
    { numRuns: 60 },
  );
});

test('members that apply the same commands hold the same bytes, also when one was restored on the way', async () => {
  await fc.assert(
    fc.asyncProperty(historyArbitrary, fc.nat(60), async (history, restoredAt) => {
      const one = new TestFleet();
      let other = new TestFleet();
      for (const [position, command] of history.entries()) {
        if (position === restoredAt) {
          other = new TestFleet(await restoreTables(captureTables(other.tables)));
          other.timeMs = one.timeMs;
        }
        expect(other.applied(command)).toEqual(one.applied(command));
      }
      expect(bytesOf(other.tables)).toBe(bytesOf(one.tables));
    }),
    { numRuns: 60 },
  );
});

test('a refused command changes nothing but the index', () => {
  fc.assert(
    fc.property(historyArbitrary, (history) => {
      const fleet = new TestFleet();
      for (const command of history.map((one) => unaudited(one))) {
        const before = bytesOf(fleet.tables).replace(/"index":\d+/, '');
        const { result, change } = fleet.applied(command);
        if (result.ok) continue;
        expect(bytesOf(fleet.tables).replace(/"index":\d+/, '')).toBe(before);
        expect({ ...change, index: 0 }).toEqual({
          index: 0,
          nodes: [],
          removedNodes: [],
          jobs: [],
          allocations: [],
          removedAllocations: [],
          members: [],
          events: [],
          tokens: [],
          nodeIdentities: [],
          authorities: false,
        });
      }
    }),
    { numRuns: 30 },
  );
});

test('what is secret stands in its own table only: not in events, answers, the audit log or changes', () => {
  fc.assert(
    fc.property(historyArbitrary, (history) => {
      const fleet = new TestFleet();
      for (const command of history) {
        const { result, change } = fleet.applied(command);
        expect(JSON.stringify([result, change])).not.toContain(SECRET_MARK);
      }
      const { tokens, authorities, secrets } = fleet.tables;
      const held = tokens.size + authorities.length + secrets.size;
      const found = bytesOf(fleet.tables)
        .split('\n')
        .filter((line) => line.includes(SECRET_MARK));
      expect(found).toHaveLength(held);
    }),
    { numRuns: 60 },
  );
});

test('a command that went through the log does the same as the one that was made', () => {
  fc.assert(
    fc.property(historyArbitrary, (history) => {
      const one = new TestFleet();
      const other = new TestFleet();
      for (const [position, untimed] of history.entries()) {
        const command = { ...untimed, timeMs: position } as Command;
        const decoded = decodeCommand(encodeCommand(command));
        applyCommand(one.tables, command, position + 1);
        applyCommand(other.tables, decoded, position + 1);
      }
      expect(bytesOf(other.tables)).toBe(bytesOf(one.tables));
    }),
    { numRuns: 30 },
  );
});

test('what a job leaves behind stays within its limits however often its allocations end', () => {
  const fleet = new TestFleet();
  fleet.node('n1');
  fleet.submit({ count: 1 });
  for (let round = 0; round < 500; round += 1) {
    fleet.place({ id: `a${String(round).padStart(4, '0')}` });
    fleet.report(`a${String(round).padStart(4, '0')}`, 'stopped');
  }
  expect(fleet.tables.allocations.size).toBeLessThanOrEqual(100);
  fleet.apply({ kind: 'collect-garbage' });
  expect(fleet.tables.allocations.size).toBe(ENDED_HISTORY_PER_JOB_MAX + 6);
  expect(fleet.tables.allocations.has('a0499')).toBe(true);
});

test('events beyond the limit go, the oldest first', () => {
  const fleet = new TestFleet();
  for (let member = 1; member <= EVENTS_MAX + 5; member += 1) fleet.apply({ kind: 'leader-elected', member });
  expect(fleet.tables.events).toHaveLength(EVENTS_MAX);
  expect(fleet.tables.events[0]?.subject).toBe('control-plane/6');
});

test('adopting other tables replaces everything, in the same object', () => {
  const fleet = new TestFleet();
  fleet.node('old');
  const other = new TestFleet();
  other.node('new');
  other.submit();
  fleet.tables.adopt(other.tables);
  expect(fleet.tables.index).toBe(2);
  expect(fleet.tables.nodeByName('old')).toBeUndefined();
  expect(fleet.tables.nodeByName('new')?.status).toBe('ready');
});
