import type { CellClient } from '../client/connect.ts';
import type { GetControlPlaneStatusResponse } from '../messages.ts';
import type { DrillClock } from './drill-clock.ts';

export interface SeenLeader {
  readonly id: number;
  readonly atMs: number;
}

const POLL_PAUSE_MS = 10;
const POLL_MS_MAX = 1_000;

/** The term that the answering member is in. */
export function termOf(status: GetControlPlaneStatusResponse): bigint {
  return status.members.find((member) => member.id === status.answeredBy)?.term ?? 0n;
}

/**
 * Asks each of the members again and again, all side by side, until one names a leader that is another one than
 * before, or the same one in a later term. Rejects with the signal's reason if that does not come before it.
 */
export async function watchForNewLeader(
  members: readonly CellClient[],
  before: { readonly leaderId: bigint; readonly term: bigint },
  clock: DrillClock,
  signal: AbortSignal,
): Promise<SeenLeader> {
  const found = new AbortController();
  const either = AbortSignal.any([signal, found.signal]);
  const watchOne = async (member: CellClient): Promise<SeenLeader> => {
    for (;;) {
      try {
        const options = { attemptsMax: 1, timeoutMs: POLL_MS_MAX, signal: either };
        const status = await member.controlPlane.getControlPlaneStatus({}, options);
        const later = termOf(status) > before.term;
        if (status.leaderId !== 0n && (status.leaderId !== before.leaderId || later)) {
          return { id: Number(status.leaderId), atMs: clock.monotonicMs() };
        }
      } catch (error) {
        if (either.aborted) throw error;
      }
      await clock.sleep(POLL_PAUSE_MS, either);
    }
  };
  try {
    return await Promise.race(members.map(watchOne));
  } finally {
    found.abort(new Error('Another member was faster'));
  }
}
