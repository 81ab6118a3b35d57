import type { NodeId } from '../../core/index.ts';
import type { Clients } from '../clients.ts';
import type { Cluster } from '../cluster.ts';
import type { Process } from '../process.ts';
import type { Random } from '../random.ts';
import type { Mood } from '../scenario.ts';

/** What a fault may reach. */
export interface World {
  readonly cluster: Cluster;
  readonly clients: Clients;
  readonly random: Random;
  /** The shortest election timeout, in milliseconds. */
  readonly electionMs: number;
  /** False once the time of faults is over: what a fault has in store for later is then left out. */
  readonly troubled: () => boolean;
}

/** One kind of trouble. It begins when it strikes, and may go on for a while by itself. */
export interface Fault {
  readonly name: string;
  /** How often it is chosen, compared to others; left out: never. */
  readonly weights: Readonly<Partial<Record<Mood, number>>>;
  /** Breaks what reads by lease rest on: not with them. */
  readonly breaksLeases?: boolean;
  strike(world: World): void;
}

/** A leader two times in three, since faults of others change little; `undefined` if nobody runs. */
export function pickVictim({ cluster, random }: World): Process | undefined {
  const leaders = cluster.leaders();
  const candidates = leaders.length > 0 && random.chance(2 / 3) ? leaders : cluster.running();
  return candidates.length === 0 ? undefined : random.pick(candidates);
}

/** Does something later, unless the time of faults is over by then. */
export function later({ cluster, troubled }: World, delayMs: number, action: () => void): void {
  cluster.timeline.after(delayMs, () => {
    if (troubled()) action();
  });
}

/** Crashes a member now and starts it again after a while: at once, or after some elections. */
export function crashAndRestart(world: World, id: NodeId): void {
  const { cluster, random, electionMs } = world;
  cluster.crash(id);
  restartLater(world, id, random.chance(0.4) ? random.between(0, electionMs / 4) : random.between(0, 6 * electionMs));
}

export function restartLater({ cluster }: World, id: NodeId, delayMs: number): void {
  // Also when the time of faults is over: then everybody starts in any case.
  cluster.timeline.after(delayMs, () => cluster.start(id));
}
