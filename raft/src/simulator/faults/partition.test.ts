import { expect, test } from 'vitest';
import type { NodeId } from '../../core/index.ts';
import { Clients } from '../clients.ts';
import { Cluster } from '../cluster.ts';
import { Random } from '../random.ts';
import { makeScenario } from '../scenario.ts';
import type { Fault, World } from './fault.ts';
import { bridge, majorityRing, split } from './partition.ts';

function strike(fault: Fault, voters: number, seed: number): Cluster {
  const scenario = { ...makeScenario(1), voters, spares: 0 };
  const cluster = new Cluster(scenario, undefined);
  cluster.begin();
  const world: World = {
    cluster,
    clients: new Clients(cluster),
    random: new Random(seed),
    electionMs: 100,
    troubled: () => true,
  };
  fault.strike(world);
  return cluster;
}

/** Whom a member reaches in both directions, itself included. */
function reachable({ network, ids }: Cluster, id: NodeId): NodeId[] {
  return ids.filter((other) => other === id || !(network.isCut(id, other) || network.isCut(other, id)));
}

test.each([3, 4, 5, 7])('in a majority ring of %d each reaches a majority, and no two the same', (voters) => {
  for (let seed = 1; seed <= 20; seed++) {
    const cluster = strike(majorityRing, voters, seed);
    const sets = cluster.ids.map((id) => reachable(cluster, id));
    for (const set of sets) expect(set.length * 2).toBeGreaterThan(voters);
    // Of three everybody reaches everybody: a majority with itself takes one neighbour, and there are two.
    if (voters > 4) expect(new Set(sets.map((set) => set.join(' '))).size).toBe(voters);
  }
});

test('over a bridge both halves are connected by one member only', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const cluster = strike(bridge, 5, seed);
    const sizes = cluster.ids.map((id) => reachable(cluster, id).length).toSorted((a, b) => a - b);
    expect(sizes).toEqual([3, 3, 3, 3, 5]);
  }
});

test('a split leaves two groups, each of which reaches only itself', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const cluster = strike(split, 5, seed);
    const groups = new Set(cluster.ids.map((id) => reachable(cluster, id).join(' ')));
    expect(groups.size).toBe(2);
  }
});
