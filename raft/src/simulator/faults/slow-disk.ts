import type { Fault } from './fault.ts';
import { later, pickVictim } from './fault.ts';

/** Somebody's disk takes up to some election timeouts for a write, so that leaders change meanwhile. */
export const slowDisk: Fault = {
  name: 'slow disk',
  weights: { mixed: 2, churn: 4, partitions: 1, crashes: 2, membership: 2 },
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
