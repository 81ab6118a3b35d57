import type { ConfState, HardState, SnapshotMeta } from '../core/types.ts';
import { EMPTY_META } from './log-mirror.ts';

/**
 * Where a log begins before there is any snapshot.
 *
 * The founders of a cluster begin at index 1 as if it were compacted away, with the founding members as its
 * configuration. A member that joins later begins at 0 and therefore misses entry 1: the leader must send it a
 * snapshot, which brings the members that the log itself never tells of. If it could replay the log from its start,
 * it would know none of the founders, and elect itself.
 */
export function foundingState(bootstrap: ConfState | undefined): { hardState: HardState; meta: SnapshotMeta } {
  if (bootstrap === undefined) return { hardState: { term: 0, vote: 0, commit: 0 }, meta: EMPTY_META };
  return { hardState: { term: 1, vote: 0, commit: 1 }, meta: { index: 1, term: 1, conf: bootstrap } };
}
