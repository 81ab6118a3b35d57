import { plainMessage, RevokeNodeResponseSchema } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { canAsk, confirm } from '../../confirm.ts';

export const nodeRevoke = defineCommand({
  path: ['node', 'revoke'],
  summary: 'end the identity of a node for good, as when its machine was stolen',
  description: [
    'Its session is cut everywhere within a second, its certificate is worth nothing any more, and its id can not ' +
      'join again. Its allocations are placed elsewhere once its lease is over; what still runs there is not reached ' +
      'any more. For a machine that shall come back, drain it instead. The machine itself can join anew, as another ' +
      'node, with a new token and without its old data.',
  ],
  arguments: { NODE: { summary: 'its name, or its id or the beginning of it', completes: 'node' } },
  flags: {
    ...outputFlagSpecs,
    yes: { kind: 'switch', short: 'y', summary: 'do not ask; needed where nobody can be asked' },
  },
  examples: [{ command: 'cellctl node revoke node-7', what: 'Somebody else may have the key of node-7' }],
  async run({ arguments: { NODE }, flags, world, client, print }) {
    const what = `ends the identity of node "${NODE}" for good, and its allocations move`;
    if (!flags.yes) {
      if (!canAsk(world)) throw new CliError('CELL_E_NOT_CONFIRMED', `This ${what}; say "--yes" if you want that`);
      await confirm(world, `This ${what}. Go on?`);
    }
    const response = await client().nodes.revokeNode({ node: NODE }, { signal: world.signal });
    await print({
      plain: () => plainMessage(RevokeNodeResponseSchema, response),
      text: () => `Node "${response.node?.name ?? NODE}" is revoked\n`,
    });
  },
});
