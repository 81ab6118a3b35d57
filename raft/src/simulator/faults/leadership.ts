import type { Fault } from './fault.ts';
import { later, pickVictim } from './fault.ts';

/** An operator hands leadership to somebody. */
export const transfer: Fault = {
  name: 'transfer',
  weights: { mixed: 2, churn: 2, partitions: 1, crashes: 1, membership: 2, disks: 1 },
  strike({ cluster, clients, random }) {
    const [leader] = cluster.leaders();
    const asked = leader !== undefined && random.chance(0.8) ? leader : cluster.running()[0];
    if (asked === undefined) return;
    const to = random.pick(cluster.ids);
    asked.input((node) => node.transferLeader(to));
    if (asked.alive && random.chance(0.5)) clients.command(asked);
  },
};

/** Somebody stands for election out of turn. */
export const campaign: Fault = {
  name: 'campaign',
  breaksLeases: true,
  weights: { mixed: 2, churn: 4, partitions: 1, crashes: 2, membership: 1, disks: 1 },
  strike({ cluster, random }) {
    for (const process of random.sample(cluster.running(), random.whole(1, 2)))
      process.input((node) => node.campaign());
  },
};

/** Somebody's clock hurries through an election timeout. */
export const hurriedClock: Fault = {
  name: 'hurried clock',
  breaksLeases: true,
  weights: { mixed: 1, churn: 3, partitions: 1, crashes: 1, membership: 1 },
  strike(world) {
    const victim = world.random.chance(0.5) ? pickVictim(world) : world.random.pick(world.cluster.running());
    const ticks = world.random.whole(1, 3 * world.cluster.scenario.core.electionTicks);
    for (let count = 0; count < ticks; count++) victim?.input((node) => node.tick());
  },
};

/** Followers are told that their leader is gone. */
export const forgetLeader: Fault = {
  name: 'forgotten leader',
  weights: { mixed: 1, churn: 1, partitions: 1 },
  strike({ cluster, random }) {
    for (const process of random.sample(cluster.running(), 2)) process.input((node) => node.forgetLeader());
  },
};

/** Clients ask everyone who takes itself for the leader, however old. */
export const readsEverywhere: Fault = {
  name: 'reads everywhere',
  weights: { mixed: 2, churn: 2, partitions: 4, crashes: 1, membership: 2, disks: 1 },
  strike({ cluster, clients }) {
    for (const leader of cluster.leaders()) {
      if (leader.alive) clients.read(leader);
    }
  },
};

/**
 * A leader asks whether it still leads; the answers come late, when others have long elected another one, and must not
 * confirm what was asked since.
 */
export const lateAnswers: Fault = {
  name: 'late answers',
  weights: { mixed: 2, churn: 1, partitions: 3, membership: 1 },
  strike(world) {
    const { cluster, clients, random, electionMs } = world;
    const leader = cluster.leaders()[0];
    if (leader === undefined) return;
    const { id } = leader.parts;
    cluster.network.heal();
    cluster.network.holdUp(id, random.between(1, 4) * electionMs);
    clients.read(leader);
    const latency = cluster.scenario.network.latencyMsMax;
    later(world, random.between(0, 3 * latency), () => {
      for (const other of cluster.ids) if (other !== id) cluster.network.cut(id, other);
    });
    for (const elections of [1, 1.5, 2, 3]) {
      later(world, elections * electionMs, () => {
        if (leader.alive && leader.leading) clients.read(leader);
      });
    }
    later(world, random.between(2, 5) * electionMs, () => cluster.network.heal());
  },
};
