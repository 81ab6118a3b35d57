import { beforeEach, expect, test } from 'vitest';
import { addNode, place } from '../execute/testing/example-fleet.ts';
import { exampleSpec } from '../state/testing/fleet-arbitraries.ts';
import { SessionTable } from './testing/session-transcript.ts';

let table: SessionTable;

beforeEach(() => {
  table = new SessionTable();
});

test('what is too large for one message goes in parts, and what changes meanwhile comes after them', async () => {
  addNode(table.consensus, 'n1');
  const environment = { NOTE: 'x'.repeat(1_000_000) };
  const spec = exampleSpec({
    name: 'fat',
    count: 12,
    resources: { cpuMillis: 1, memoryMib: 1 },
    ports: [],
    environment,
  });
  table.consensus.write({ kind: 'submit-job', timeMs: 0, spec, expectedIndex: undefined });
  for (let instance = 0; instance < 9; instance += 1) place(table.consensus, 'fat', instance, 'n1');
  const agent = table.agent('n1');
  agent.hello();
  agent.full = true;
  expect(await table.said()).toContain('n1 < welcome');
  agent.session.drained();
  expect(await table.said()).toBe(
    'n1 < desired at 11, complete, more follows: +FAT-0-N1 +FAT-1-N1 +FAT-2-N1 +FAT-3-N1',
  );
  table.stop('FAT-8-N1');
  for (const instance of [9, 10, 11]) place(table.consensus, 'fat', instance, 'n1');
  agent.session.drained();
  expect(await table.said()).toBe('n1 < desired at 11, more follows: +FAT-4-N1 +FAT-5-N1 +FAT-6-N1 +FAT-7-N1');
  agent.full = false;
  agent.session.drained();
  expect(await table.said()).toBe(
    'n1 < desired at 11: +FAT-8-N1\nn1 < desired at 15: -FAT-8-N1 +FAT-9-N1 +FAT-10-N1 +FAT-11-N1',
  );
});

test('while the stream is full changes gather, and only the newest is sent, before the renewal', async () => {
  const id = table.fleetOfOne();
  const agent = table.agent('n1');
  agent.full = true;
  agent.hello();
  expect(await table.said()).toContain('welcome');
  const second = place(table.consensus, 'web', 1, 'n1');
  table.stop(second);
  agent.session.renewLease(1n);
  agent.session.renewLease(2n);
  expect(await table.said()).toBe('');
  agent.session.drained();
  agent.full = false;
  expect(await table.said()).toBe('n1 < desired at 5, complete: +WEB-0-N1 -WEB-1-N1');
  table.stop(id);
  await table.said();
  agent.session.drained();
  expect(await table.said()).toBe('n1 < desired at 6: -WEB-0-N1\nn1 < lease renewed by heartbeat 2');
});

test('a renewal never overtakes what replaced the allocations', async () => {
  const id = table.fleetOfOne();
  const agent = table.agent('n1');
  agent.hello();
  await table.said();
  table.stop(id);
  // In the same turn, before the change was flushed.
  agent.session.renewLease(1n);
  expect(await table.said()).toBe('n1 < desired at 4: -WEB-0-N1\nn1 < lease renewed by heartbeat 1');
});

test('an allocation that ended and was collected in one batch is removed, once', async () => {
  const id = table.fleetOfOne();
  table.agent('n1').hello();
  await table.said();
  const row = table.consensus.state.allocations.get(id)!;
  table.consensus.tables.removeAllocation(row);
  const rows = { nodes: [], removedNodes: [], jobs: [], allocations: [], members: [], events: [] };
  const nothing = { ...rows, tokens: [], nodeIdentities: [], authorities: false };
  table.consensus.announce({ ...nothing, index: 4, removedAllocations: [row] });
  expect(await table.said()).toBe('n1 < desired at 3: xWEB-0-N1');
  table.consensus.announce({ ...nothing, index: 5, removedAllocations: [row] });
  expect(await table.said()).toBe('');
});

test('a replaced state is pushed completely', async () => {
  table.fleetOfOne();
  table.agent('n1').hello();
  await table.said();
  table.consensus.replaced();
  expect(await table.said()).toBe('n1 < desired at 3, complete: +WEB-0-N1');
});
