import type { Fault, World } from './fault.ts';
import { later, pickVictim } from './fault.ts';

/** Heals after a while; the next partition does so too. */
function healLater(world: World): void {
  const { cluster, random, electionMs } = world;
  later(world, random.between(electionMs / 2, 6 * electionMs), () => cluster.network.heal());
}

/** Two halves, each direction cut. */
export const split: Fault = {
  name: 'split',
  weights: { mixed: 3, churn: 1, partitions: 4, crashes: 1, membership: 2, disks: 1 },
  strike(world) {
    const { cluster, random } = world;
    cluster.network.heal();
    const left = new Set(random.sample(cluster.ids, random.whole(1, cluster.ids.length - 1)));
    for (const a of left) {
      for (const b of cluster.ids) {
        if (left.has(b)) continue;
        cluster.network.cut(a, b);
        cluster.network.cut(b, a);
      }
    }
    healLater(world);
  },
};

/** Somebody can't hear, or can't be heard. */
export const oneWay: Fault = {
  name: 'one-way partition',
  weights: { mixed: 2, churn: 1, partitions: 4, membership: 1 },
  strike(world) {
    const { cluster, random } = world;
    const victim = pickVictim(world);
    if (victim === undefined) return;
    const { id } = victim.parts;
    const deaf = random.chance(0.5);
    for (const other of cluster.ids) {
      if (other !== id && random.chance(0.8)) cluster.network.cut(deaf ? other : id, deaf ? id : other);
    }
    healLater(world);
  },
};

/** Some pairs don't reach each other; each member may still reach a majority. */
export const partial: Fault = {
  name: 'partial partition',
  weights: { mixed: 2, churn: 1, partitions: 4, membership: 1, disks: 1 },
  strike(world) {
    const { cluster, random } = world;
    const share = random.between(0.1, 0.6);
    for (const a of cluster.ids) {
      for (const b of cluster.ids) {
        if (a >= b || !random.chance(share)) continue;
        cluster.network.cut(a, b);
        cluster.network.cut(b, a);
      }
    }
    healLater(world);
  },
};

/** Two halves that only one member connects, most often the leader: each half takes it for theirs. */
export const bridge: Fault = {
  name: 'bridge',
  weights: { mixed: 1, churn: 1, partitions: 3, membership: 1 },
  strike(world) {
    const { cluster, random } = world;
    const middle = pickVictim(world)?.parts.id;
    if (middle === undefined) return;
    cluster.network.heal();
    const others = random.sample(
      cluster.ids.filter((id) => id !== middle),
      cluster.ids.length,
    );
    const half = others.slice(0, Math.ceil(others.length / 2));
    for (const a of half) {
      for (const b of others) {
        if (half.includes(b)) continue;
        cluster.network.cut(a, b);
        cluster.network.cut(b, a);
      }
    }
    healLater(world);
  },
};

/** In a ring, each reaches just so many neighbours as make a majority with it, and no two the same. */
export const majorityRing: Fault = {
  name: 'majority ring',
  weights: { mixed: 1, churn: 1, partitions: 3, membership: 1 },
  strike(world) {
    const { cluster, random } = world;
    cluster.network.heal();
    const ring = random.sample(cluster.ids, cluster.ids.length);
    const reach = Math.ceil(Math.floor(ring.length / 2) / 2);
    ring.forEach((a, at) => {
      ring.forEach((b, other) => {
        const distance = Math.min((at - other + ring.length) % ring.length, (other - at + ring.length) % ring.length);
        if (distance > reach) cluster.network.cut(a, b);
      });
    });
    healLater(world);
  },
};

/** Links lose much of what goes over them. */
export const lossy: Fault = {
  name: 'lossy network',
  weights: { mixed: 2, churn: 1, partitions: 2, membership: 1 },
  strike(world) {
    world.cluster.network.extraLossRate = world.random.between(0.1, 0.6);
    healLater(world);
  },
};
