import type { ConfState, NodeId } from '../../core/index.ts';
import type { Cluster } from '../cluster.ts';
import type { Fault } from './fault.ts';
import { crashAndRestart, later, pickVictim, restartLater } from './fault.ts';

/** Somebody's disk takes up to some election timeouts for a write, so that leaders change meanwhile. */
export const slowDisk: Fault = {
  name: 'slow disk',
  weights: { mixed: 2, churn: 4, partitions: 1, crashes: 2, membership: 2, disks: 2 },
  strike(world) {
    const { cluster, random, electionMs } = world;
    const victim = pickVictim(world);
    if (victim === undefined) return;
    const { disk } = cluster.member(victim.parts.id);
    disk.extraWriteMs = random.between(0, 3 * electionMs);
    later(world, random.between(electionMs, 6 * electionMs), () => {
      disk.extraWriteMs = 0;
    });
  },
};

/**
 * There is no room for entries for a while: the member takes none, from clients or from its leader, and hands
 * leadership over if it can; it goes on voting, from a reserve, and serving reads.
 */
export const fullDisk: Fault = {
  name: 'full disk',
  weights: { mixed: 1, churn: 1, crashes: 1, membership: 1, disks: 6 },
  strike(world) {
    const { cluster, random, electionMs } = world;
    const victim = pickVictim(world);
    if (victim === undefined) return;
    const { id } = victim.parts;
    const { disk } = cluster.member(id);
    disk.full = true;
    const handOver = (): void => {
      const process = cluster.process(id);
      if (!disk.full) return;
      if (process?.leading === true) {
        const to = random.pick(process.conf.voters);
        process.input((node) => node.transferLeader(to));
      }
      later(world, electionMs / 2, handOver);
    };
    handOver();
    later(world, random.between(electionMs, 8 * electionMs), () => {
      disk.full = false;
    });
  },
};

/** The next sync fails: whoever can't tell what is on its disk must not go on. */
export const failedSync: Fault = {
  name: 'failed sync',
  weights: { mixed: 1, churn: 1, crashes: 2, disks: 5 },
  strike(world) {
    const { cluster, clients, random, electionMs } = world;
    const victim = pickVictim(world);
    if (victim === undefined) return;
    const { id } = victim.parts;
    cluster.member(id).disk.failsToSync = true;
    if (random.chance(0.5)) clients.command(victim);
    for (const elections of [1, 3, 6]) restartLater(world, id, elections * electionMs);
  },
};

/**
 * A bit flips, or a record is written over another one: checksums tell when the member starts the next time, and it
 * refuses to. Its vote and what it acknowledged are lost, so that it never comes back: it is removed, and another
 * member is added in its place. One at a time, and never where the others would be no quorum.
 */
export const damage: Fault = {
  name: 'damaged disk',
  weights: { disks: 6 },
  strike(world) {
    const { cluster, random } = world;
    const victim = pickVictim(world);
    if (victim === undefined) return;
    const { id } = victim.parts;
    if (!isExpendable(cluster, id)) return;
    cluster.member(id).disk.damaged = true;
    // Or it stays unnoticed until something else has it start anew.
    if (random.chance(0.7)) crashAndRestart(world, id);
  },
};

/**
 * Whatever membership anyone has in force, the others are a quorum, and no damage is left from before. Everybody must
 * be there to be asked, and must know it for good: else the member might be the only one to do so.
 */
function isExpendable(cluster: Cluster, id: NodeId): boolean {
  const damaged = new Set(cluster.ids.filter((other) => cluster.member(other).disk.damaged));
  return cluster.ids.every((other) => {
    if (damaged.has(other)) return true;
    const process = cluster.process(other);
    if (process === undefined || !process.knowsMembershipForGood) return false;
    return !membersOf(process.conf).some((member) => damaged.has(member)) && isQuorumWithout(process.conf, id);
  });
}

function isQuorumWithout({ voters, votersOutgoing }: ConfState, id: NodeId): boolean {
  return [voters, votersOutgoing].every((set) => {
    return set.length === 0 || set.filter((voter) => voter !== id).length * 2 > set.length;
  });
}

function membersOf({ voters, votersOutgoing, learners }: ConfState): readonly NodeId[] {
  return [...voters, ...votersOutgoing, ...learners];
}
