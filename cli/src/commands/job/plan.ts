import { specToProto } from '@cell/job/wire';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { planView } from './plan-view.ts';
import { readJobFile } from './read-job-file.ts';

export const jobPlan = defineCommand({
  path: ['job', 'plan'],
  summary: 'what running a job file would change, and why; changes nothing',
  arguments: { FILE: { summary: 'the job file, or "-" for standard input', completes: 'file' } },
  flags: outputFlagSpecs,
  exitCodes: { 0: 'nothing would change', 1: 'something would change', 255: 'error' },
  errorExitCode: 255,
  examples: [{ command: 'cellctl job plan web.toml', what: 'Look before you run it' }],
  async run({ arguments: { FILE }, world, client, print }) {
    const spec = await readJobFile(world, FILE);
    const plan = await client().jobs.planJob({ spec: specToProto(spec) }, { signal: world.signal });
    await print(planView(spec, plan));
    return plan.unchanged ? 0 : 1;
  },
});
