import { defineCommand } from '../../command-line/command-spec.ts';
import { contextNamed, readConfiguration } from '../../connection/configuration.ts';
import { chooseContext } from '../../connection/edit-configuration.ts';

export const contextUse = defineCommand({
  path: ['context', 'use'],
  summary: 'choose the control plane that commands call if nothing else is said',
  description: ['Writes it to ~/.config/cell/config.toml. CELL_CONTEXT and "--context" still go before it.'],
  arguments: { NAME: { summary: 'a context; "cellctl context list" shows all', completes: 'context' } },
  flags: {},
  examples: [{ command: 'cellctl context use prod', what: 'From now on commands are about prod' }],
  async run({ arguments: { NAME }, sources, world, note }) {
    contextNamed(NAME, sources, readConfiguration(sources));
    chooseContext(sources, NAME);
    await world.output.write(`Context "${NAME}" is used from now on\n`);
    const before = world.environment['CELL_CONTEXT'];
    if (before !== undefined && before !== '') await note(`CELL_CONTEXT is set: here, context "${before}" is used`);
  },
});
