import { GetAuthoritiesResponseSchema, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { renderAuthorities } from './authority-table.ts';
import { renderReplaced } from './replaced-text.ts';

export const caStatus = defineCommand({
  path: ['ca', 'status'],
  summary: 'the certificate authorities of the cluster, and who depends on each',
  description: [
    'The last one issues. One before it stays trusted for as long as certificates live, a day if nothing else is set; ' +
      'then it is retired by itself. Tokens pin the authority that issued when they were made.',
  ],
  arguments: {},
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl ca status -o wide', what: 'Also pins, and which nodes' }],
  async run({ world, client, print }) {
    const response = await client().identity.getAuthorities({}, { signal: world.signal });
    await print({
      plain: () => plainMessage(GetAuthoritiesResponseSchema, response),
      text: (style) =>
        [
          renderAuthorities(response.authorities, style),
          renderReplaced(response.authorities, style),
          `\nStored secrets are encrypted with key ${response.keyId}\n`,
        ].join(''),
    });
  },
});
