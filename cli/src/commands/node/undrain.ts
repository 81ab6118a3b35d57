import { plainMessage, UndrainNodeResponseSchema } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';

export const nodeUndrain = defineCommand({
  path: ['node', 'undrain'],
  summary: 'give a drained node back: it takes allocations again',
  description: [
    'It also ends a drain that is going on: what has gone stays away, and nothing more goes. Nothing is moved back; ' +
      'the node is used for what is placed next.',
  ],
  arguments: { NODE: { summary: 'its name, or its id or the beginning of it', completes: 'node' } },
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl node undrain node-1', what: 'The work on the machine is done' }],
  async run({ arguments: { NODE }, world, client, print }) {
    const response = await client().nodes.undrainNode({ node: NODE }, { signal: world.signal });
    await print({
      plain: () => plainMessage(UndrainNodeResponseSchema, response),
      text: () => `Node "${response.node?.name ?? NODE}" takes allocations again\n`,
    });
  },
});
