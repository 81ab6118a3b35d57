import type { NodeId } from '../../core/index.ts';
import type { Fault } from './fault.ts';
import { later } from './fault.ts';

/**
 * A leader that reaches less than a majority goes on appending; then it is gone, and comes back after others have led.
 * Done over and over this is how entries come to be on many members without being committed (the paper, figure 8).
 */
export const halfReplicated: Fault = {
  name: 'half-replicated entries',
  weights: { mixed: 2, churn: 12, partitions: 2, crashes: 1, membership: 1, disks: 2 },
  strike(world) {
    const { cluster, clients, random, electionMs } = world;
    const leader = cluster.leaders()[0];
    if (leader === undefined) return;
    const { id } = leader.parts;
    cluster.network.heal();
    const others = cluster.ids.filter((other) => other !== id);
    const reached = new Set<NodeId>(random.sample(others, random.below(Math.max(1, cluster.ids.length / 2))));
    for (const other of others) if (!reached.has(other)) cluster.network.cut(id, other);
    if (random.chance(0.8)) clients.command(leader, random.whole(1, 3));
    const lead = random.between(0, electionMs);
    later(world, lead, () => {
      cluster.network.heal();
      if (random.chance(0.5)) {
        cluster.crash(id);
        cluster.timeline.after(random.between(0, 3 * electionMs), () => cluster.start(id));
      } else cluster.network.isolate(id, cluster.ids);
    });
    later(world, lead + random.between(electionMs, 3 * electionMs), () => cluster.network.heal());
  },
};

const TAIL_MAX = 12;

/**
 * A leader, cut off, appends more than the next one will have appended when the two meet; and its disk is so slow that
 * what it appended is still being written when it is replaced.
 */
export const unwrittenTail: Fault = {
  name: 'unwritten tail',
  weights: { mixed: 2, churn: 4, partitions: 2, membership: 1, disks: 2 },
  strike(world) {
    const { cluster, clients, random, electionMs } = world;
    const leader = cluster.leaders()[0];
    if (leader === undefined) return;
    const { id } = leader.parts;
    const { disk } = cluster.member(id);
    cluster.network.heal();
    cluster.network.isolate(id, cluster.ids);
    disk.extraWriteMs = random.between(2, 8) * electionMs;
    for (let count = random.whole(1, 3); count > 0 && leader.alive; count--) {
      clients.command(leader, random.whole(1, TAIL_MAX));
    }
    later(world, random.between(1, 3) * electionMs, () => cluster.network.heal());
    later(world, random.between(2, 9) * electionMs, () => {
      disk.extraWriteMs = 0;
    });
  },
};
