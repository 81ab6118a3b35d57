import type { JobSpec } from '@cell/job';
import type { NodeRoom } from './node-room.ts';
import { hashText } from './seeded-random.ts';

/** A node for one instance, and why this one. */
export interface NodeChoice {
  readonly room: NodeRoom;
  /** A sentence with numbers. */
  readonly reason: string;
}

/**
 * Chooses nodes for the instances of one job, one after the other. Among the nodes that fit: first those where the
 * instance did not fail before, then those with the fewest of this job (so that losing a node loses few of them), then
 * the one that is fullest afterwards (so that large instances still find room elsewhere), then by a lot
 * drawn from the job's name, so that a preview draws the same one as the plan that follows it.
 */
export class NodeChooser {
  readonly #spec: JobSpec;
  readonly #candidates: readonly Candidate[];
  readonly #byNode: ReadonlyMap<string, Candidate>;
  readonly #lot: number;

  /** `countByNode`: how many of this job's instances run on a node, or will. */
  constructor(spec: JobSpec, rooms: readonly NodeRoom[], countByNode: ReadonlyMap<string, number>) {
    this.#spec = spec;
    this.#candidates = rooms.map((room) => ({ room, count: countByNode.get(room.node.id) ?? 0, tie: -1 }));
    this.#byNode = new Map(this.#candidates.map((candidate) => [candidate.room.node.id, candidate]));
    this.#lot = hashText(spec.name, 0);
  }

  /** `avoid`: nodes to take only if nothing else fits, as the instance failed there. */
  choose(avoid: ReadonlySet<string> = new Set()): NodeChoice | undefined {
    let best: Candidate | undefined;
    let fitting = 0;
    for (const candidate of this.#candidates) {
      if (!candidate.room.fits(this.#spec)) continue;
      fitting += 1;
      if (best === undefined || this.#isBetter(candidate, best, avoid)) best = candidate;
    }
    return best === undefined ? undefined : { room: best.room, reason: this.#reason(best, fitting, avoid) };
  }

  /** For jobs that have one instance on each node. */
  chooseOn(nodeId: string): NodeChoice | undefined {
    const room = this.#byNode.get(nodeId)?.room;
    if (room === undefined || !room.fits(this.#spec)) return undefined;
    return { room, reason: `one on every node that fits: ${this.#fullness(room)}` };
  }

  /** The choice was taken, and its room reserved. */
  taken({ room }: NodeChoice): void {
    const candidate = this.#byNode.get(room.node.id);
    if (candidate !== undefined) candidate.count += 1;
  }

  /** An instance of the job goes from a node. */
  left(nodeId: string): void {
    const candidate = this.#byNode.get(nodeId);
    if (candidate !== undefined) candidate.count -= 1;
  }

  #isBetter(one: Candidate, other: Candidate, avoid: ReadonlySet<string>): boolean {
    if (avoid.size > 0) {
      const [oneAvoided, otherAvoided] = [avoid.has(one.room.node.id), avoid.has(other.room.node.id)];
      if (oneAvoided !== otherAvoided) return otherAvoided;
    }
    if (one.count !== other.count) return one.count < other.count;
    const difference = this.#shareAfter(one.room) - this.#shareAfter(other.room);
    if (difference !== 0) return difference > 0;
    const [oneTie, otherTie] = [this.#tie(one), this.#tie(other)];
    return oneTie === otherTie ? one.room.node.id < other.room.node.id : oneTie < otherTie;
  }

  /** Sum of the shares of cpu and of memory that are reserved once the instance is there, 0 to 2. */
  #shareAfter(room: NodeRoom): number {
    const { cpuMillis, memoryMib } = room.node.inventory;
    return (
      (room.cpuMillisReserved + this.#spec.resources.cpuMillis) / Math.max(cpuMillis, 1) +
      (room.memoryMibReserved + this.#spec.resources.memoryMib) / Math.max(memoryMib, 1)
    );
  }

  #tie(candidate: Candidate): number {
    if (candidate.tie === -1) candidate.tie = hashText(candidate.room.node.id, this.#lot);
    return candidate.tie;
  }

  #reason(best: Candidate, fitting: number, avoid: ReadonlySet<string>): string {
    const choice = fitting === 1 ? 'the only node that fits' : `best of ${fitting} nodes that fit`;
    const others = best.count === 0 ? 'none of this job there yet' : `${best.count} of this job there already`;
    const again = avoid.has(best.room.node.id) ? ', although it failed there before' : '';
    return `${choice}: ${others}${again}, ${this.#fullness(best.room)}`;
  }

  #fullness(room: NodeRoom): string {
    const { memoryMib } = room.node.inventory;
    const after = room.memoryMibReserved + this.#spec.resources.memoryMib;
    return `${Math.round((100 * after) / Math.max(memoryMib, 1))} % of memory reserved after`;
  }
}

interface Candidate {
  readonly room: NodeRoom;
  count: number;
  /** -1 until it is needed. */
  tie: number;
}
