import { JobStatus, ListJobsResponseSchema, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { readFlagSpecs } from '../../command-line/global-flags.ts';
import { showView } from '../../output/watch-view.ts';
import { renderJobs } from './job-table.ts';

export const jobList = defineCommand({
  path: ['job', 'list'],
  summary: 'all jobs, and how they are',
  arguments: {},
  flags: { ...readFlagSpecs, all: { kind: 'switch', short: 'a', summary: 'also those that were stopped' } },
  examples: [{ command: 'cellctl job list -o json', what: 'For programs' }],
  async run(input) {
    const { flags, world } = input;
    await showView(input, flags.watch, async () => {
      const response = await input.client().jobs.listJobs({ stale: flags.stale }, { signal: world.signal });
      const jobs = response.jobs.filter((job) => flags.all || job.status !== JobStatus.STOPPED);
      return {
        plain: () => plainMessage(ListJobsResponseSchema, { ...response, jobs }),
        text: (style) => (jobs.length === 0 ? 'No jobs\n' : renderJobs(jobs, style)),
      };
    });
  },
});
