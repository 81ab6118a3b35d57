import type { JobSpec } from '@cell/job';
import { specToProto } from '@cell/job/wire';
import { CellApiError, type CellClient, GetJobResponseSchema, type PlanJobResponse, plainMessage } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { canAsk, confirm } from '../../confirm.ts';
import { styleOf } from '../../output/print-view.ts';
import type { View } from '../../output/view.ts';
import { Interruption, type World } from '../../world.ts';
import { type FinishedRollout, followRollout } from './follow-rollout.ts';
import { renderUnplaced } from './job-table.ts';
import { renderPlan } from './plan-view.ts';
import { readJobFile } from './read-job-file.ts';

const UNPLACED_EXIT_CODE = 2;

export const jobRun = defineCommand({
  path: ['job', 'run'],
  summary: 'run a job file: shows the plan, submits it, and waits until it runs',
  description: [
    'On a terminal it shows what would change and asks first. It then waits until all instances are healthy, or a ' +
      'batch job is complete; Ctrl-C ends the waiting only, not the job. If the job was changed by somebody else ' +
      'between plan and submission, nothing is submitted.',
  ],
  arguments: { FILE: { summary: 'the job file, or "-" for standard input', completes: 'file' } },
  flags: {
    ...outputFlagSpecs,
    yes: { kind: 'switch', short: 'y', summary: 'do not ask' },
    detach: { kind: 'switch', short: 'd', summary: 'do not wait until it runs' },
    timeout: { kind: 'duration', default: '5m', min: '1s', max: '30d', summary: 'how long to wait until it runs' },
  },
  exitCodes: {
    0: 'all instances are healthy or complete; with --detach: accepted',
    1: 'error, an instance failed, or the time was over',
    2: 'accepted, but some instances cannot be placed',
  },
  examples: [
    { command: 'cellctl job run web.toml', what: 'Run it, and see it come up' },
    { command: 'cellctl job run --yes --detach - <web.toml', what: 'From a script' },
  ],
  async run({ arguments: { FILE }, flags, globals, world, client, print, note }) {
    const spec = await readJobFile(world, FILE);
    const plan = await client().jobs.planJob({ spec: specToProto(spec) }, { signal: world.signal });
    const style = styleOf(world, { noColor: globals['no-color'], format: flags.output, of: 'errors' });
    await world.errors.write(renderPlan(spec, plan, style));
    if (!plan.unchanged && !flags.yes && canAsk(world)) await confirm(world, 'Submit it?');
    const version = await submit(client(), spec, plan, world.signal);
    if (flags.detach) {
      const what = plan.unchanged ? 'is unchanged' : 'is accepted';
      await print({
        plain: () => ({ job: spec.name, version: Number(version), unchanged: plan.unchanged }),
        text: () => `Job "${spec.name}" version ${version} ${what}\n`,
      });
      return 0;
    }
    const finished = await follow(world, client(), { name: spec.name, version }, flags.timeout, note);
    return conclude(finished, { name: spec.name, version }, print);
  },
});

/** The submitted version. */
async function submit(client: CellClient, spec: JobSpec, plan: PlanJobResponse, signal: AbortSignal): Promise<bigint> {
  const request = { spec: specToProto(spec), expectedIndex: plan.index };
  try {
    return (await client.jobs.submitJob(request, { signal })).version;
  } catch (error) {
    if (!(error instanceof CellApiError) || error.code !== 'CELL_E_CONFLICT') throw error;
    // It may be ourselves: a submission whose answer was lost on the way was carried out, and then made again.
    const again = await client.jobs.planJob({ spec: specToProto(spec) }, { signal });
    if (again.unchanged) return again.version;
    const sentence = `Job "${spec.name}" was changed by somebody else after the plan; nothing was submitted`;
    throw new CellApiError(error.code, `${sentence}. Run it again to see the new plan`, true, { cause: error });
  }
}

async function follow(
  world: World,
  client: CellClient,
  job: { readonly name: string; readonly version: bigint },
  timeoutMs: number,
  note: (text: string) => Promise<void>,
): Promise<FinishedRollout> {
  try {
    return await followRollout(world, client, job, timeoutMs);
  } catch (error) {
    if (world.signal.reason instanceof Interruption) {
      await note(`Not waiting any more; job "${job.name}" goes on, "cellctl job show ${job.name}" shows it`);
    }
    throw error;
  }
}

async function conclude(
  { rollout, response }: FinishedRollout,
  { name, version }: { readonly name: string; readonly version: bigint },
  print: (view: View) => Promise<void>,
): Promise<number> {
  const title = `Job "${name}" version ${version}`;
  if (rollout.state === 'failed') throw new CliError('CELL_E_JOB_FAILED', `${title}: ${rollout.text}`);
  if (rollout.state === 'superseded') throw new CliError('CELL_E_JOB_FAILED', `${title} was given up: ${rollout.text}`);
  const unplaced = rollout.state === 'unplaced' ? response.job?.unplaced : undefined;
  await print({
    plain: () => plainMessage(GetJobResponseSchema, response),
    text: (style) => `${title}: ${rollout.text}\n${unplaced === undefined ? '' : renderUnplaced(unplaced, style)}`,
  });
  return rollout.state === 'unplaced' ? UNPLACED_EXIT_CODE : 0;
}
