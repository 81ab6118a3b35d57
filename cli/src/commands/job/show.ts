import { renderJobFile } from '@cell/job';
import { specFromProto } from '@cell/job/wire';
import { type GetJobResponse, GetJobResponseSchema, type Job, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { readFlagSpecs } from '../../command-line/global-flags.ts';
import { renderDetails } from '../../output/details.ts';
import type { Style } from '../../output/style.ts';
import { timeAndAge } from '../../output/timestamp-text.ts';
import type { View } from '../../output/view.ts';
import { showView } from '../../output/watch-view.ts';
import { renderAllocations } from '../allocation/allocation-table.ts';
import { instancesText, jobStatusCell, jobType, renderUnplaced } from './job-table.ts';

export const jobShow = defineCommand({
  path: ['job', 'show'],
  summary: 'one job and its instances',
  arguments: { JOB: { summary: 'its name', completes: 'job' } },
  flags: {
    ...readFlagSpecs,
    file: { kind: 'switch', summary: 'print it as a job file instead, with all defaults written out' },
  },
  examples: [
    { command: 'cellctl job show web --watch', what: 'See its instances change' },
    { command: 'cellctl job show web --file >web.toml', what: 'Get its job file back' },
  ],
  async run(input) {
    const { flags, world } = input;
    const load = () => {
      const request = { name: input.arguments.JOB, stale: flags.stale };
      return input.client().jobs.getJob(request, { signal: world.signal });
    };
    if (flags.file) {
      const { job } = await load();
      if (job?.spec !== undefined) await world.output.write(renderJobFile(specFromProto(job.spec)));
    } else {
      await showView(input, flags.watch, async () => jobView(await load()));
    }
  },
});

export function jobView(response: GetJobResponse): View {
  const { job, allocations } = response;
  return {
    plain: () => plainMessage(GetJobResponseSchema, response),
    text(style) {
      if (job === undefined) return '';
      return [
        renderDetails(jobDetails(job, style), style),
        ...(job.unplaced === undefined || job.unplaced.count === 0 ? [] : [renderUnplaced(job.unplaced, style)]),
        allocations.length === 0 ? 'No allocations\n' : renderAllocations(allocations, style, ['job']),
      ].join('\n');
    },
  };
}

function jobDetails(job: Job, style: Style) {
  return [
    ['Job', `${job.spec?.name ?? ''} (${jobType(job)}, version ${job.version})`],
    ['Status', jobStatusCell(job)],
    ['Instances', instancesText(job)],
    ['Submitted', timeAndAge(job.submittedAt, style)],
    ['Command', job.spec?.command.join(' ') ?? ''],
  ] as const;
}
