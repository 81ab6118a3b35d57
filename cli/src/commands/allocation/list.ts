import { ListAllocationsResponseSchema, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { readFlagSpecs } from '../../command-line/global-flags.ts';
import { showView } from '../../output/watch-view.ts';
import { renderAllocations } from './allocation-table.ts';

export const allocationList = defineCommand({
  path: ['allocation', 'list'],
  summary: 'what runs where, the newest last',
  arguments: {},
  flags: {
    ...readFlagSpecs,
    job: { kind: 'text', value: 'JOB', summary: 'only of this job', completes: 'job' },
    node: { kind: 'text', value: 'NODE', summary: 'only on this node', completes: 'node' },
    all: { kind: 'switch', short: 'a', summary: 'also those that have ended' },
  },
  examples: [
    { command: 'cellctl allocation list --job web', what: 'The instances of one job' },
    { command: 'cellctl allocation list --node node-1 --all', what: 'Everything that ran on a node' },
  ],
  async run(input) {
    const { flags, world } = input;
    await showView(input, flags.watch, async () => {
      const request = { job: flags.job ?? '', node: flags.node ?? '', all: flags.all, stale: flags.stale };
      const response = await input.client().allocations.listAllocations(request, { signal: world.signal });
      return {
        plain: () => plainMessage(ListAllocationsResponseSchema, response),
        text: (style) =>
          response.allocations.length === 0 ? 'No allocations\n' : renderAllocations(response.allocations, style),
      };
    });
  },
});
