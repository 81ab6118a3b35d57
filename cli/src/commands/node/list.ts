import { ListNodesResponseSchema, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { readFlagSpecs } from '../../command-line/global-flags.ts';
import { showView } from '../../output/watch-view.ts';
import { renderNodes } from './node-table.ts';

export const nodeList = defineCommand({
  path: ['node', 'list'],
  summary: 'all nodes, with what is reserved on them',
  arguments: {},
  flags: readFlagSpecs,
  examples: [{ command: 'cellctl node list --watch', what: 'See nodes come and go' }],
  async run(input) {
    const { flags, world } = input;
    await showView(input, flags.watch, async () => {
      const response = await input.client().nodes.listNodes({ stale: flags.stale }, { signal: world.signal });
      return {
        plain: () => plainMessage(ListNodesResponseSchema, response),
        text: (style) => (response.nodes.length === 0 ? 'No nodes\n' : renderNodes(response.nodes, style)),
      };
    });
  },
});
