import type { ConfChange, ConfChangeSingle, ConfState } from '../core/index.ts';
import { LEAVE_JOINT } from '../core/index.ts';
import type { Cluster } from './cluster.ts';

/** Who looks after the cluster: has members with a damaged disk replaced, one after the other. */
export class Operator {
  readonly #cluster: Cluster;
  #actedMs = Number.NEGATIVE_INFINITY;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Looks every so often, until the cluster's time of trouble ends. */
  watch(everyMs: number, untilMs: number): void {
    const { timeline } = this.#cluster;
    timeline.after(everyMs, () => {
      if (timeline.nowMs >= untilMs) return;
      this.replaceDamaged(everyMs);
      this.watch(everyMs, untilMs);
    });
  }

  /** Asks the leader for the change that is needed, if any; not more often than this. True: something is needed. */
  replaceDamaged(everyMs: number): boolean {
    const { timeline, trace } = this.#cluster;
    const [leader] = this.#cluster.leaders();
    if (leader === undefined) return false;
    const change = this.#changeFor(leader.conf);
    if (change === undefined) return false;
    if (timeline.nowMs - this.#actedMs < everyMs) return true;
    this.#actedMs = timeline.nowMs;
    trace?.(`*** ${leader.parts.id} is asked to replace a member with a damaged disk`);
    leader.input((node) => node.proposeConfChange(change));
    return true;
  }

  #changeFor({ voters, learners, votersOutgoing, autoLeave }: ConfState): ConfChange | undefined {
    const { ids } = this.#cluster;
    const members = [...voters, ...learners];
    const damaged = members.find((id) => this.#cluster.member(id).disk.damaged);
    if (damaged === undefined) return undefined;
    if (votersOutgoing.length > 0) return autoLeave ? undefined : LEAVE_JOINT;
    const known = new Set([...members, ...votersOutgoing]);
    const fresh = ids.find((id) => !known.has(id) && this.#cluster.isFresh(id));
    const added: ConfChangeSingle[] = fresh === undefined ? [] : [{ type: 'add-voter', node: fresh }];
    return {
      transition: 'auto',
      changes: [{ type: 'remove', node: damaged }, ...added],
      context: new Uint8Array(0),
    };
  }
}
