import { type CommandSpec, defineCommand } from '../command-line/command-spec.ts';
import { referencePage } from '../command-line/reference-page.ts';

/** `bin/cellctl __reference >docs/cellctl.md`; a test says when it is due. */
export function referenceCommand(commands: () => readonly CommandSpec[]): CommandSpec {
  return defineCommand({
    path: ['__reference'],
    summary: 'the reference page of all commands, as Markdown',
    hidden: true,
    arguments: {},
    flags: {},
    examples: [],
    async run({ world }) {
      await world.output.write(referencePage(commands()));
    },
  });
}
