import { type GetAllocationResponse, GetAllocationResponseSchema, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { readFlagSpecs } from '../../command-line/global-flags.ts';
import { renderDetails } from '../../output/details.ts';
import { timeAndAge } from '../../output/timestamp-text.ts';
import type { View } from '../../output/view.ts';
import { showView } from '../../output/watch-view.ts';
import { portsText, stateCell } from './allocation-table.ts';
import { usageRows } from './usage-rows.ts';

export const allocationShow = defineCommand({
  path: ['allocation', 'show'],
  summary: 'one instance: its state, where it runs and why, what it uses',
  arguments: { ALLOCATION: { summary: 'its id or the beginning of it', completes: 'allocation' } },
  flags: readFlagSpecs,
  examples: [{ command: 'cellctl allocation show 01KA7Q2M9XW4T', what: 'By the beginning of its id' }],
  async run(input) {
    const { flags, world } = input;
    await showView(input, flags.watch, async () => {
      const request = { id: input.arguments.ALLOCATION, stale: flags.stale };
      return allocationView(await input.client().allocations.getAllocation(request, { signal: world.signal }));
    });
  },
});

export function allocationView(response: GetAllocationResponse): View {
  const { allocation } = response;
  return {
    plain: () => plainMessage(GetAllocationResponseSchema, response),
    text(style) {
      if (allocation === undefined) return '';
      return renderDetails(
        [
          ['Allocation', allocation.id],
          ['Job', `${allocation.job}, version ${allocation.jobVersion}, instance ${allocation.instance}`],
          ['Node', `${allocation.nodeName} (${allocation.nodeId})`],
          ['State', stateCell(allocation)],
          ['', allocation.message],
          ['Since', timeAndAge(allocation.changedAt, style)],
          ['Placed', timeAndAge(allocation.createdAt, style)],
          ['', allocation.placementReason],
          ['Ports', portsText(allocation)],
          ['Restarts', String(allocation.restarts)],
          ['Exit code', allocation.exitCode === undefined ? '' : String(allocation.exitCode)],
          ...usageRows(response, style),
        ],
        style,
      );
    },
  };
}
