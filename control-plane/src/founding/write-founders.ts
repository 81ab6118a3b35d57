import type { KnownMember } from '../consensus/peers/member-directory.ts';
import { type FirstLeaderParts, writeAsFirstLeader } from './write-as-first-leader.ts';

export interface WritingParts extends FirstLeaderParts {
  /** Those who founded the cluster; empty if this member came later. */
  readonly founders: readonly KnownMember[];
}

/**
 * Has the first leader write the founders into the members' table. It counts only while the table is empty. Returns how
 * to stop.
 */
export function writeFounders(parts: WritingParts): () => void {
  const { consensus, clock, founders } = parts;
  if (founders.length === 0) return () => {};
  return writeAsFirstLeader(parts, {
    isWritten: () => consensus.state.members.size > 0,
    command: () => ({ kind: 'found-members', timeMs: clock.wallMs(), members: founders }),
    missing: 'The founding members are not written down yet',
  });
}
