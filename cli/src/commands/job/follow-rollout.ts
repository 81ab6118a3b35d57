import type { CellClient, GetJobResponse } from '@cell/sdk';
import { seconds } from '../../output/units.ts';
import { waitUntilDone } from '../../wait-until-done.ts';
import type { World } from '../../world.ts';
import { judgeRollout, type Rollout } from './judge-rollout.ts';

const POLL_MS = 250;
/** So many looks in a row must agree that instances can't be placed: the first may be before the first placement. */
const UNPLACED_LOOKS = 3;

export interface FinishedRollout {
  readonly rollout: Rollout & { readonly state: 'done' | 'unplaced' | 'failed' | 'superseded' };
  readonly response: GetJobResponse;
}

/**
 * Looks at the job until its version is rolled out, can't be, or the time is over (`CliError` `CELL_E_TIMEOUT`).
 * Outlasts failovers: errors that pass are waited out.
 */
export function followRollout(
  world: World,
  client: CellClient,
  job: { readonly name: string; readonly version: bigint },
  timeoutMs: number,
): Promise<FinishedRollout> {
  let unplacedLooks = 0;
  return waitUntilDone(world, {
    pollMs: POLL_MS,
    timeoutMs,
    look: async () => {
      const response = await client.jobs.getJob({ name: job.name }, { signal: world.signal });
      const rollout = judgeRollout(response, job.version);
      const { state, text } = rollout;
      unplacedLooks = state === 'unplaced' ? unplacedLooks + 1 : 0;
      if (state === 'waiting' || (state === 'unplaced' && unplacedLooks < UNPLACED_LOOKS)) return { text };
      return { done: { rollout: { ...rollout, state }, response } };
    },
    passes: ({ code }) => code !== 'CELL_E_NOT_FOUND',
    line: (text, passedMs) => `Job "${job.name}": ${text} (${Math.floor(passedMs / 1000)} s)`,
    overdue: (text) =>
      `Job "${job.name}" is not there yet after ${seconds(timeoutMs)} (${text}); it goes on, ` +
      `"cellctl job show ${job.name}" shows it`,
  });
}
