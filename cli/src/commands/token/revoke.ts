import { plainMessage, RevokeTokenResponseSchema } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';

export const tokenRevoke = defineCommand({
  path: ['token', 'revoke'],
  summary: 'end a token for good, and the certificates that were had for it',
  description: [
    'Who calls with it is nobody from then on, also in calls that are going on. Machines that have joined with it ' +
      'stay: "cellctl node revoke" is for those.',
  ],
  arguments: { TOKEN: { summary: 'its id or its name; "cellctl token list" shows them', completes: 'token' } },
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl token revoke deploy', what: 'It was sent to the wrong person' }],
  async run({ arguments: { TOKEN }, world, client, print }) {
    const response = await client().identity.revokeToken({ token: TOKEN }, { signal: world.signal });
    await print({
      plain: () => plainMessage(RevokeTokenResponseSchema, response),
      text: () => `Token "${response.token?.name ?? TOKEN}" is revoked\n`,
    });
  },
});
