import { type CommandSpec, defineCommand } from '../command-line/command-spec.ts';
import { findCommand } from '../command-line/find-command.ts';
import { commandHelp, groupHelp } from '../command-line/help-text.ts';

export function helpCommand(commands: () => readonly CommandSpec[]): CommandSpec {
  return defineCommand({
    path: ['help'],
    summary: 'what commands there are, or what one of them does',
    arguments: {
      NOUN: { summary: 'such as "job"', optional: true },
      VERB: { summary: 'such as "run"', optional: true },
    },
    flags: {},
    examples: [{ command: 'cellctl help job run', what: 'The same as "cellctl job run --help"' }],
    async run({ arguments: { NOUN, VERB }, world }) {
      const words = [NOUN, VERB].filter((word) => word !== undefined);
      const found = findCommand(commands(), words);
      await world.output.write('command' in found ? commandHelp(found.command) : groupHelp(commands(), found.group));
    },
  });
}
