import { plainMessage, RotateAuthorityResponseSchema } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { renderReplaced } from './replaced-text.ts';

export const caRotate = defineCommand({
  path: ['ca', 'rotate'],
  summary: 'make a new certificate authority, which issues from now on',
  description: [
    'Nothing stops meanwhile: the old authority vouches for the new one, and stays trusted for as long as certificates ' +
      'live, a day if nothing else is set; then it is retired by itself. A node that was off all the while must join anew.',
    'Tokens pin the authority that made them, and are worth nothing once it is retired: make new ones before, yours ' +
      'too. Who is logged in goes on, if a command was run meanwhile.',
  ],
  arguments: {},
  trustChanges: 'after',
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl ca rotate', what: 'Then "cellctl ca status" shows how far it is' }],
  async run({ world, client, print }) {
    const response = await client().identity.rotateAuthority({}, { signal: world.signal });
    await print({
      plain: () => plainMessage(RotateAuthorityResponseSchema, response),
      text: (style) =>
        `Authority ${response.authority?.id ?? ''} issues from now on\n${renderReplaced(response.replaced, style)}`,
    });
  },
});
