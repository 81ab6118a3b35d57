import { plainMessage, RotateKeyResponseSchema } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { countOf } from '../../output/units.ts';

export const secretRotateKey = defineCommand({
  path: ['secret', 'rotate-key'],
  summary: 'encrypt everything that is stored secretly anew, with a new key',
  description: [
    'All members must be there: each gets the key into its keyring first. The old key stays in the keyrings, since ' +
      'older backups need it. The values stay as they are: change those too if somebody may have seen them.',
  ],
  arguments: {},
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl secret rotate-key', what: 'A keyring was copied to where it should not be' }],
  async run({ world, client, print }) {
    const response = await client().identity.rotateKey({}, { signal: world.signal });
    await print({
      plain: () => plainMessage(RotateKeyResponseSchema, response),
      text: () => `Key ${response.keyId} is in use; ${countOf(response.sealed, 'value')} encrypted anew\n`,
    });
  },
});
