/** Runs on the leader: every minute, has what is over the limits forgotten. */
import type { Logger } from 'pino';
import type { Clock, Consensus } from '../ports.ts';
import { hasGarbage } from '../state/apply/expendable.ts';

export interface CollectorParts {
  readonly consensus: Consensus;
  readonly clock: Clock;
  readonly log: Logger;
}

const periodMs = 60_000;

/** Returns how to stop. */
export function startCollector({ consensus, clock, log }: CollectorParts): () => void {
  let collecting = false;
  let collectedIndex = 0;
  return clock.every(periodMs, () => {
    const { leadership, state } = consensus;
    // Nothing new since the last time, or nothing that could go: a command would change nothing.
    if (collecting || !leadership.leading || state.index === collectedIndex || !hasGarbage(state)) return;
    collecting = true;
    consensus
      .propose({ kind: 'collect-garbage', timeMs: clock.wallMs() })
      .then((result) => {
        if (result.ok) collectedIndex = result.index;
      })
      .catch((error: unknown) => log.info({ err: error }, 'Collecting garbage failed; trying again in a minute'))
      .finally(() => {
        collecting = false;
      });
  });
}
