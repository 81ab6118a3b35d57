import type { Logger } from 'pino';
import type { Clock, Consensus } from '../ports.ts';
import type { Command } from '../state/commands.ts';

const RETRY_MS = 500;

export interface FirstLeaderParts {
  readonly consensus: Consensus;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What every state begins with. */
export interface FirstWriting {
  readonly isWritten: () => boolean;
  readonly command: () => Command;
  /** What is said, each time that it could not be written. */
  readonly missing: string;
}

/**
 * Has whoever leads first write a command, again until it is written. Others may do the same at once: applying it
 * refuses all but the first. Returns how to stop.
 */
export function writeAsFirstLeader(parts: FirstLeaderParts, writing: FirstWriting): () => void {
  const { consensus, clock } = parts;
  let stopTimer = () => {};
  let stopped = false;
  const write = () => {
    stopTimer();
    if (stopped || !consensus.leadership.leading || writing.isWritten()) return;
    void propose(parts, writing);
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

async function propose({ consensus, log }: FirstLeaderParts, { command, missing }: FirstWriting): Promise<void> {
  try {
    await consensus.propose(command());
  } catch (error) {
    // Whoever leads next tries again.
    log.info({ err: error }, missing);
  }
}
