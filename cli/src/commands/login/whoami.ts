import { GetCallerResponseSchema, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import { renderCaller } from './caller-view.ts';

export const whoami = defineCommand({
  path: ['whoami'],
  summary: 'who you are to the control plane, and what you may do',
  arguments: {},
  flags: { ...outputFlagSpecs },
  examples: [
    { command: 'cellctl whoami', what: 'The token, its role and when it ends' },
    { command: 'cellctl whoami --token-file ./token', what: 'Whether a token is good' },
  ],
  async run({ world, client, connection, print }) {
    const caller = await client().identity.getCaller({}, { signal: world.signal });
    const context = connection().context?.name;
    await print({
      plain: () => ({ ...plainMessage(GetCallerResponseSchema, caller), context: context ?? null }),
      text: (style) => renderCaller(caller, context, style),
    });
  },
});
