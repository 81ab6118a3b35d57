import { CellApiError, type CellClient, type PromoteMemberResponse } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { Progress } from '../../output/progress.ts';
import { seconds } from '../../output/units.ts';
import type { World } from '../../world.ts';

const POLL_MS = 500;

/** What passes by waiting: it has not caught up, the leader is being replaced, or another change is under way. */
const PASSING: ReadonlySet<string> = new Set([
  'CELL_E_NOT_CAUGHT_UP',
  'CELL_E_NO_LEADER',
  'CELL_E_NOT_LEADER',
  'CELL_E_PEER_UNREACHABLE',
  'CELL_E_TIMEOUT',
  'CELL_E_OUTCOME_UNKNOWN',
  'CELL_E_OVERLOADED',
  'CELL_E_CONFLICT',
  'CELL_E_DISK_FULL',
  'CELL_E_UNREACHABLE',
  'CELL_E_CONNECTION_LOST',
]);

/** Asks for the learner's vote until it is given; rejects with `CliError` `CELL_E_TIMEOUT` once the time is over. */
export async function promoteWhenCaughtUp(
  world: World,
  client: CellClient,
  id: bigint,
  timeoutMs: number,
): Promise<PromoteMemberResponse> {
  const { clock, signal } = world;
  const progress = new Progress(world);
  const startMs = clock.monotonicMs();
  try {
    for (;;) {
      let why: string;
      try {
        return await client.controlPlane.promoteMember({ id }, { signal });
      } catch (error) {
        if (signal.aborted || !(error instanceof CellApiError) || !PASSING.has(error.code)) throw error;
        why = error.message;
      }
      const passedMs = clock.monotonicMs() - startMs;
      if (passedMs > timeoutMs) {
        const sentence = `Member ${id} has no vote yet after ${seconds(timeoutMs)} (${why})`;
        const advice = `it stays a learner, "cellctl control-plane promote ${id}" tries again`;
        throw new CliError('CELL_E_TIMEOUT', `${sentence}; ${advice}`);
      }
      await progress.show(`Member ${id}: ${why} (${Math.floor(passedMs / 1000)} s)`);
      await clock.sleep(POLL_MS, signal);
    }
  } finally {
    await progress.end();
  }
}
