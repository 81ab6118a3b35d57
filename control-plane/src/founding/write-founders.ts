import type { Logger } from 'pino';
import type { KnownMember } from '../consensus/peers/member-directory.ts';
import type { Clock, Consensus } from '../ports.ts';

const RETRY_MS = 500;

export interface WritingParts {
  readonly consensus: Consensus;
  readonly clock: Clock;
  readonly log: Logger;
  /** Those who founded the cluster; empty if this member came later. */
  readonly founders: readonly KnownMember[];
}

/**
 * Has the first leader write the founders into the members' table. Others may do the same at once: it counts only while
 * the table is empty. Returns how to stop.
 */
export function writeFounders(parts: WritingParts): () => void {
  const { consensus, clock, founders } = parts;
  if (founders.length === 0) return () => {};
  let stopTimer = () => {};
  let stopped = false;
  const write = () => {
    stopTimer();
    if (stopped || !consensus.leadership.leading || consensus.state.members.size > 0) return;
    void propose(parts);
    stopTimer = clock.after(RETRY_MS, write);
  };
  const unlisten = consensus.onLeadership(write);
  write();
  return () => {
    stopped = true;
    stopTimer();
    unlisten();
  };
}

async function propose({ consensus, clock, log, founders }: WritingParts): Promise<void> {
  try {
    await consensus.propose({ kind: 'found-members', timeMs: clock.wallMs(), members: founders });
  } catch (error) {
    // Whoever leads next tries again.
    log.info({ err: error }, 'The founding members are not written down yet');
  }
}
