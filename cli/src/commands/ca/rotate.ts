import { plainMessage, RotateAuthorityResponseSchema } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';

export const caRotate = defineCommand({
  path: ['ca', 'rotate'],
  summary: 'make a new certificate authority, which issues from now on',
  description: [
    'Nothing stops meanwhile: the old authority vouches for the new one and stays trusted until every node has a new ' +
      'certificate; then it is retired by itself. A node that is away for longer than certificates live must join anew.',
    'Tokens pin the authority that made them: those to join with that were not used yet must be made anew. People who ' +
      'are logged in go on.',
  ],
  arguments: {},
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl ca rotate', what: 'Then "cellctl ca status" shows how far it is' }],
  async run({ world, client, print }) {
    const response = await client().identity.rotateAuthority({}, { signal: world.signal });
    await print({
      plain: () => plainMessage(RotateAuthorityResponseSchema, response),
      text: () => `Authority ${response.authority?.id ?? ''} issues from now on\n`,
    });
  },
});
