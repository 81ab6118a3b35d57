import type { RaftStatus } from '@cell/raft';
import type { Leadership } from '../ports.ts';
import type { FleetState } from '../state/fleet-state.ts';

/** Entries that are committed and not yet applied here, above which answers are too old to be of use. */
const LAG_ENTRIES_MAX = 1000;

/** Why this member can't serve now; undefined if it can. `peerProblems`: why members can't be reached, sentences. */
export function unreadiness(
  { leaderId }: Leadership,
  status: Pick<RaftStatus, 'commit' | 'applied' | 'disk'>,
  { authorities }: Pick<FleetState, 'authorities'>,
  peerProblems: readonly string[] = [],
): string | undefined {
  if (status.disk === 'full') return 'Disk is full: it takes no changes, and reads only as long as it keeps up';
  // One is as long as a person reads; it is often the same for all.
  if (leaderId === 0) return ['No leader is known', ...peerProblems.slice(0, 1)].join('. ');
  const lag = status.commit - status.applied;
  if (lag > LAG_ENTRIES_MAX) return `Applying the log: ${lag} entries are left`;
  // Before, nobody can call it.
  if (authorities.length === 0) return 'The authority of the cluster is not written down yet';
  return undefined;
}

/** How a member is. */
export interface MemberStanding {
  readonly ready: boolean;
  /** For people: what it waits for, or what it does. */
  readonly text: string;
}

/** What a member that is ready does. */
export function describeMember({ leaderId, leading }: Leadership, ownId: number, agentSessions: number): string {
  const part = leading ? `Member ${ownId}, leader` : `Member ${ownId}, follows member ${leaderId}`;
  return `${part}; ${agentSessions} ${agentSessions === 1 ? 'agent is' : 'agents are'} connected here`;
}
