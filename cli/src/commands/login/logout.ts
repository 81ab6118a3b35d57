import { CliError } from '../../cli-error.ts';
import { defineCommand } from '../../command-line/command-spec.ts';
import { chosenContext, readConfiguration } from '../../connection/configuration.ts';
import { identityFolder, removeContextIdentity } from '../../connection/context-identity.ts';

export const logout = defineCommand({
  path: ['logout'],
  summary: 'forget who you are',
  description: [
    'Removes what "cellctl login" stored, and nothing of the control plane: the token stays good until it ends or is ' +
      'revoked with "cellctl token revoke".',
  ],
  arguments: {},
  flags: {},
  examples: [
    { command: 'cellctl logout --context prod', what: 'Nobody at this machine speaks for you there any more' },
  ],
  async run({ globals, sources, world }) {
    const name = chosenContext(globals.context, sources, readConfiguration(sources));
    const folder = name === undefined ? undefined : identityFolder(sources, name);
    if (name === undefined || folder === undefined || !removeContextIdentity(folder)) {
      const which = name === undefined ? '' : ` in context "${name}"`;
      throw new CliError('CELL_E_NO_IDENTITY', `You are not logged in${which}; nothing is stored`);
    }
    await world.output.write(`Forgot who you are in context "${name}"\n`);
  },
});
