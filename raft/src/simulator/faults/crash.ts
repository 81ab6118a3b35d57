import type { CrashPoint } from '../process-storage.ts';
import type { Fault, World } from './fault.ts';
import { crashAndRestart, later, pickVictim, restartLater } from './fault.ts';

const POINTS: readonly CrashPoint[] = ['storing', 'stored', 'sent', 'applied'];

/** Somebody crashes, most often the leader. */
export const crash: Fault = {
  name: 'crash',
  weights: { mixed: 3, churn: 2, crashes: 4, membership: 2, partitions: 1, disks: 3 },
  strike(world) {
    const victim = pickVictim(world);
    if (victim !== undefined) crashAndRestart(world, victim.parts.id);
  },
};

/** Somebody crashes at a chosen point of handling its next Ready, most often right after a proposal. */
export const crashWhileStoring: Fault = {
  name: 'crash while storing',
  weights: { mixed: 3, churn: 3, crashes: 5, membership: 2, partitions: 1, disks: 3 },
  strike(world) {
    const { clients, random, electionMs } = world;
    const victim = pickVictim(world);
    if (victim === undefined) return;
    const { id } = victim.parts;
    victim.crashPoint = random.pick(POINTS);
    restartLater(world, id, random.between(electionMs / 10, 4 * electionMs));
    if (random.chance(0.5)) clients.command(victim);
    // Without anything to store it would wait for ever, and crash when nobody thinks of it any more.
    later(world, electionMs / 10, () => {
      if (victim.alive) crashAndRestart(world, id);
    });
  },
};

/** Many crash at once, sometimes all: nothing is left but the disks. */
export const crashMany: Fault = {
  name: 'crash of many',
  weights: { mixed: 1, churn: 1, crashes: 3, membership: 1, disks: 2 },
  strike(world) {
    const running = world.cluster.running();
    for (const { parts } of world.random.sample(running, world.random.whole(1, running.length))) {
      crashAndRestart(world, parts.id);
    }
  },
};

/** Somebody stands still for a while, and takes in what has arrived meanwhile when it goes on. */
export const pause: Fault = {
  name: 'pause',
  breaksLeases: true,
  weights: { mixed: 2, churn: 1, crashes: 2, membership: 1, partitions: 1, disks: 1 },
  strike(world: World) {
    const victim = pickVictim(world);
    if (victim !== undefined) world.cluster.pause(victim.parts.id, world.random.between(0, 4 * world.electionMs));
  },
};
