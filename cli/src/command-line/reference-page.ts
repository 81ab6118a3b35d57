import { type CommandSpec, commandName } from './command-spec.ts';
import { globalFlagSpecs } from './global-flags.ts';
import { exitCodeRows, flagRows, usageLine } from './help-text.ts';

const HEADING = `# cellctl

<!-- Made by "bin/cellctl __reference"; change the commands in cli/src/commands instead. -->

`;

/** What holds for all commands, as Markdown. */
export const REFERENCE_INTRODUCTION = `\`cellctl\` shows and drives a fleet. Data goes to standard output, everything else to standard error. Names can be typed
in full; ids can be shortened as long as it is clear which one is meant.

Where the control plane is, it takes from \`--address\`, else from \`CELL_ADDR\` (one or more addresses of members with
commas between them), else from the context that \`--context\`, \`CELL_CONTEXT\` or the file itself names in
\`~/.config/cell/config.toml\`, else it is \`127.0.0.1:7600\`:

\`\`\`toml
context = "demo"

[contexts.demo]
addresses = ["127.0.0.1:7600", "127.0.0.1:7610", "127.0.0.1:7620"]
timeout = "10s"
\`\`\`

Who calls, it takes from \`--token-file\`, else from \`CELL_TOKEN_FILE\` or \`CELL_TOKEN\`, else from what \`cellctl login\`
stored for the context in \`~/.config/cell/contexts\`. A token goes only to the control plane whose authority it pins, or
to one with an authority that \`--cacert\` or \`CELL_CACERT\` names.

It exits with 0 when all is done and with 1 after an error, unless a command says otherwise. An error is one sentence
with a stable code: \`CELL_E_NOT_FOUND: There is no job "web"; …\`. Ctrl-C ends it with 130.
`;

/** The page docs/cellctl.md. */
export function referencePage(commands: readonly CommandSpec[]): string {
  const shown = commands.filter((command) => command.hidden !== true);
  const overview = shown.map(
    (command) => `| [\`${commandName(command.path)}\`](#${anchor(command)}) | ${command.summary} |`,
  );
  return [
    `${HEADING}${REFERENCE_INTRODUCTION}`,
    `| Command | What it is for |\n|---|---|\n${overview.join('\n')}\n`,
    `Flags of every command:\n\n${bullets(flagRows(globalFlagSpecs))}`,
    ...shown.map(commandSection),
  ].join('\n');
}

function commandSection(command: CommandSpec): string {
  const argumentRows = Object.entries(command.arguments).map(([name, spec]) => [name, spec.summary] as const);
  const examples = command.examples.map((example) => `# ${example.what}\n${example.command}\n`);
  return [
    `## ${commandName(command.path)}\n`,
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.\n`,
    ...(command.description ?? []).map((paragraph) => `${paragraph}\n`),
    `\`\`\`sh\n${usageLine(command)}\n\`\`\`\n`,
    ...listUnless(argumentRows, 'Arguments'),
    ...listUnless(flagRows(command.flags), 'Flags'),
    ...listUnless(exitCodeRows(command), 'Exit codes'),
    ...(examples.length === 0 ? [] : [`\`\`\`sh\n${examples.join('')}\`\`\`\n`]),
  ].join('\n');
}

function listUnless(rows: readonly (readonly [string, string])[], title: string): string[] {
  return rows.length === 0 ? [] : [`${title}:\n\n${bullets(rows)}`];
}

function bullets(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([name, text]) => `- \`${name}\`: ${text}\n`).join('');
}

function anchor(command: CommandSpec): string {
  return commandName(command.path).replaceAll(' ', '-');
}
