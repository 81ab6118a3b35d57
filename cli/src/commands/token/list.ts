import { ListTokensResponseSchema, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { renderTokens } from './token-table.ts';

export const tokenList = defineCommand({
  path: ['token', 'list'],
  summary: 'all tokens that are not revoked, without their secrets',
  description: ['Those that have ended are shown for a while too.'],
  arguments: {},
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl token list -o wide', what: 'Also who made them' }],
  async run({ world, client, print }) {
    const response = await client().identity.listTokens({}, { signal: world.signal });
    await print({
      plain: () => plainMessage(ListTokensResponseSchema, response),
      text: (style) => (response.tokens.length === 0 ? 'No tokens\n' : renderTokens(response.tokens, style)),
    });
  },
});
