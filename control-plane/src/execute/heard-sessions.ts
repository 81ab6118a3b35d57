/** What the executor asks of the agents' sessions at this member; `api/` has them. */
import type { CellError } from '../cell-error.ts';

export interface HeardSessions {
  /** The newest heartbeat of each session that has sent one. */
  heard(): Iterable<HeardNode>;
  /** Whether a session has sent its first heartbeat since this was last asked. */
  takeNews(): boolean;
  /** The leader has confirmed these heartbeats. */
  renewLeases(heard: readonly HeardNode[]): void;
  /** Ends the node's session here, if there is one: its agent says Hello again, with everything. */
  closeSession(nodeId: string, reason: CellError): void;
}

export interface HeardNode {
  readonly nodeId: string;
  /** Number of the heartbeat in its session. */
  readonly sequence: bigint;
  /** Time since it came in. */
  readonly ageMs: number;
  /** Tells sessions of one node apart: a confirmation of an older session's heartbeat says nothing of a newer one. */
  readonly session: object;
}
