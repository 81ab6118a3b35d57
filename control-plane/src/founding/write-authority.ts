import type { NewAuthority, NewToken } from '../state/commands.ts';
import { type FirstLeaderParts, writeAsFirstLeader } from './write-as-first-leader.ts';

export interface AuthorityWritingParts extends FirstLeaderParts {
  /** What "init" made. */
  readonly genesis: { readonly authority: NewAuthority; readonly tokens: readonly NewToken[] };
}

/**
 * Has the first leader write down the authority and the first tokens, also in a cluster from before there were any. It
 * counts only while there are none. Returns how to stop.
 */
export function writeAuthority(parts: AuthorityWritingParts): () => void {
  const { consensus, clock, genesis } = parts;
  return writeAsFirstLeader(parts, {
    isWritten: () => consensus.state.authorities.length > 0,
    command: () => ({ kind: 'found-authority', timeMs: clock.wallMs(), ...genesis }),
    missing: 'The authority of this cluster is not written down yet',
  });
}
