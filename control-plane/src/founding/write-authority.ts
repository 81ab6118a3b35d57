import type { Logger } from 'pino';
import type { Clock, Consensus } from '../ports.ts';
import type { NewAuthority, NewToken } from '../state/commands.ts';

const RETRY_MS = 500;

export interface AuthorityWritingParts {
  readonly consensus: Consensus;
  readonly clock: Clock;
  readonly log: Logger;
  /** What "init" made. */
  readonly genesis: { readonly authority: NewAuthority; readonly tokens: readonly NewToken[] };
}

/**
 * Has the first leader write down the authority and the first tokens, also in a cluster from before there were any. It
 * counts only while there are none. Returns how to stop.
 */
export function writeAuthority(parts: AuthorityWritingParts): () => void {
  const { consensus, clock } = parts;
  let stopTimer = () => {};
  let stopped = false;
  const write = () => {
    stopTimer();
    if (stopped || !consensus.leadership.leading || consensus.state.authorities.length > 0) return;
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

async function propose({ consensus, clock, log, genesis }: AuthorityWritingParts): Promise<void> {
  try {
    await consensus.propose({ kind: 'found-authority', timeMs: clock.wallMs(), ...genesis });
  } catch (error) {
    // Whoever leads next tries again.
    log.info({ err: error }, 'The authority of this cluster is not written down yet');
  }
}
