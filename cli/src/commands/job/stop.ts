import { plainMessage, StopJobResponseSchema } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { canAsk, confirm } from '../../confirm.ts';
import { countOf } from '../../output/units.ts';

export const jobStop = defineCommand({
  path: ['job', 'stop'],
  summary: 'stop all instances of a job; the job stays known',
  description: ['"cellctl job run" with its file starts it again.'],
  arguments: { JOB: { summary: 'its name', completes: 'job' } },
  flags: { ...outputFlagSpecs, yes: { kind: 'switch', short: 'y', summary: 'do not ask' } },
  examples: [{ command: 'cellctl job stop web --yes', what: 'Stop it at once' }],
  async run({ arguments: { JOB }, flags, world, client, print }) {
    if (!flags.yes && canAsk(world)) await confirm(world, `Stop all instances of job "${JOB}"?`);
    const response = await client().jobs.stopJob({ name: JOB }, { signal: world.signal });
    await print({
      plain: () => plainMessage(StopJobResponseSchema, response),
      text: () => `Job "${JOB}" is stopped; ${countOf(response.stopping, 'instance ends', 'instances end')} now\n`,
    });
  },
});
