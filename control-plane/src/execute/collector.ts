/** Runs on the leader: every minute, has what is over the limits forgotten. */
import type { Logger } from 'pino';
import { isFinal } from '../model/entities.ts';
import type { Clock, Consensus } from '../ports.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { ENDED_HISTORY_PER_JOB_MAX } from '../state/limits.ts';

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
    // Nothing new since the last time: what could go has gone.
    if (collecting || !leadership.leading || state.index === collectedIndex || !mayHoldGarbage(state)) return;
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

function mayHoldGarbage(state: FleetState): boolean {
  const endedByJob = new Map<string, number>();
  for (const allocation of state.allocations.values()) {
    if (!isFinal(allocation)) continue;
    const ended = (endedByJob.get(allocation.job) ?? 0) + 1;
    if (ended > ENDED_HISTORY_PER_JOB_MAX) return true;
    endedByJob.set(allocation.job, ended);
  }
  return false;
}
