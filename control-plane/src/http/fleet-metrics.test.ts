import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { TestFleet } from '../state/testing/fleet-arbitraries.ts';
import { addFleetMetrics } from './fleet-metrics.ts';

test('nodes that take nothing new are counted by reason, lost ones too', async () => {
  const fleet = new TestFleet();
  for (const name of ['n1', 'n2', 'n3', 'n4']) fleet.node(name);
  fleet.submit({ ports: [] });
  fleet.place({ id: 'a0' });
  const registry = new Registry();
  addFleetMetrics(registry, fleet.tables);
  const told = async () =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('cell_nodes_ineligible'));
  expect(await told()).toEqual([
    'cell_nodes_ineligible{reason="draining"} 0',
    'cell_nodes_ineligible{reason="drained"} 0',
    'cell_nodes_ineligible{reason="eligibility"} 0',
  ]);
  fleet.drain('n1');
  fleet.drain('n2');
  fleet.setEligible('n3', false);
  fleet.lose('n3');
  expect(await told()).toEqual([
    'cell_nodes_ineligible{reason="draining"} 1',
    'cell_nodes_ineligible{reason="drained"} 1',
    'cell_nodes_ineligible{reason="eligibility"} 1',
  ]);
});
