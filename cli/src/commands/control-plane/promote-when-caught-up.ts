import type { CellClient, PromoteMemberResponse } from '@cell/sdk';
import { seconds } from '../../output/units.ts';
import { waitUntilDone } from '../../wait-until-done.ts';
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
export function promoteWhenCaughtUp(
  world: World,
  client: CellClient,
  id: bigint,
  timeoutMs: number,
): Promise<PromoteMemberResponse> {
  return waitUntilDone(world, {
    pollMs: POLL_MS,
    timeoutMs,
    look: async () => ({ done: await client.controlPlane.promoteMember({ id }, { signal: world.signal }) }),
    passes: ({ code }) => PASSING.has(code),
    line: (why, passedMs) => `Member ${id}: ${why} (${Math.floor(passedMs / 1000)} s)`,
    overdue: (why) =>
      `Member ${id} has no vote yet after ${seconds(timeoutMs)} (${why}); it stays a learner, ` +
      `"cellctl control-plane promote ${id}" tries again`,
  });
}
