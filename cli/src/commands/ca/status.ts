import { GetAuthoritiesResponseSchema, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { renderAuthorities } from './authority-table.ts';

export const caStatus = defineCommand({
  path: ['ca', 'status'],
  summary: 'the certificate authorities of the cluster, and how many nodes depend on each',
  description: ['The last one issues. One before it is trusted until every node has a certificate of the new one.'],
  arguments: {},
  flags: { ...outputFlagSpecs },
  examples: [{ command: 'cellctl ca status -o wide', what: 'Also pins, and which nodes' }],
  async run({ world, client, print }) {
    const response = await client().identity.getAuthorities({}, { signal: world.signal });
    await print({
      plain: () => plainMessage(GetAuthoritiesResponseSchema, response),
      text: (style) =>
        `${renderAuthorities(response.authorities, style)}\nStored secrets are encrypted with key ${response.keyId}\n`,
    });
  },
});
