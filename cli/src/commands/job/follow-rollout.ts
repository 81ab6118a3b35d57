import { CellApiError, type CellClient, type GetJobResponse } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { Progress } from '../../output/progress.ts';
import { seconds } from '../../output/units.ts';
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
export async function followRollout(
  world: World,
  client: CellClient,
  job: { readonly name: string; readonly version: bigint },
  timeoutMs: number,
): Promise<FinishedRollout> {
  const { clock, signal } = world;
  const progress = new Progress(world);
  const startMs = clock.monotonicMs();
  let unplacedLooks = 0;
  let text = '';
  try {
    for (;;) {
      try {
        const response = await client.jobs.getJob({ name: job.name }, { signal });
        const rollout = judgeRollout(response, job.version);
        unplacedLooks = rollout.state === 'unplaced' ? unplacedLooks + 1 : 0;
        if (rollout.state !== 'waiting' && (rollout.state !== 'unplaced' || unplacedLooks >= UNPLACED_LOOKS)) {
          return { rollout: { ...rollout, state: rollout.state }, response };
        }
        ({ text } = rollout);
      } catch (error) {
        if (signal.aborted || !(error instanceof CellApiError) || error.code === 'CELL_E_NOT_FOUND') throw error;
        ({ message: text } = error);
      }
      const passedMs = clock.monotonicMs() - startMs;
      if (passedMs > timeoutMs) {
        const sentence = `Job "${job.name}" is not there yet after ${seconds(timeoutMs)} (${text})`;
        throw new CliError('CELL_E_TIMEOUT', `${sentence}; it goes on, "cellctl job show ${job.name}" shows it`);
      }
      await progress.show(`Job "${job.name}": ${text} (${Math.floor(passedMs / 1000)} s)`);
      await clock.sleep(POLL_MS, signal);
    }
  } finally {
    await progress.end();
  }
}
