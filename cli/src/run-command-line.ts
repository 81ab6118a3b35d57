/** One run of the program: finds the command, reads its words, runs it, and turns what goes wrong into one sentence. */
import { hideTokens } from '@cell/config';
import { CellApiError, type CellClient } from '@cell/sdk';
import { CliError } from './cli-error.ts';
import type { CommandInput, CommandSpec } from './command-line/command-spec.ts';
import { findCommand } from './command-line/find-command.ts';
import type { GlobalFlags } from './command-line/global-flags.ts';
import { commandHelp, groupHelp } from './command-line/help-text.ts';
import { type ParsedWords, parseWords } from './command-line/parse-words.ts';
import { TOKEN_BYTES_MAX } from './connection/context-identity.ts';
import { keepFresh } from './connection/keep-fresh.ts';
import { type Connection, type ConnectionSources, resolveConnection } from './connection/resolve-connection.ts';
import { printable } from './output/cell-text.ts';
import { renderView, styleOf } from './output/print-view.ts';
import { paint } from './output/style.ts';
import type { OutputFormat } from './output/view.ts';
import { VERSION } from './version.ts';
import { Interruption, type World } from './world.ts';

/** Resolves to the exit code; never rejects. */
export async function runCommandLine(world: World, commands: readonly CommandSpec[]): Promise<number> {
  let command: CommandSpec | undefined;
  try {
    const found = findCommand(commands, world.arguments);
    if ('group' in found) return await runGroup(world, commands, found.group, found.words);
    ({ command } = found);
    if (command.passesWords === true) return await runWithWords(world, command, found.words);
    return await runParsed(world, command, parseWords(command, found.words));
  } catch (error) {
    if (world.signal.reason instanceof Interruption) return world.signal.reason.exitCode;
    // Nobody reads on: whatever else went wrong is of no interest to anybody.
    if (world.signal.aborted) return 0;
    await world.errors.write(errorText(world, error));
    return command?.errorExitCode ?? 1;
  }
}

async function runGroup(
  world: World,
  commands: readonly CommandSpec[],
  path: readonly string[],
  words: readonly string[],
): Promise<number> {
  const [flag] = words.filter((word) => word !== '--help' && word !== '-h' && word !== '--no-color');
  if (flag === '--version' && path.length === 0) {
    await world.output.write(`${VERSION}\n`);
    return 0;
  }
  if (flag !== undefined) {
    throw new CliError('CELL_E_USAGE', `Flag "${flag}" has no command; "cellctl --help" shows all commands`);
  }
  await world.output.write(groupHelp(commands, path));
  return 0;
}

async function runParsed(world: World, command: CommandSpec, words: ParsedWords): Promise<number> {
  if (words.flags['help'] === true) {
    await world.output.write(commandHelp(command));
    return 0;
  }
  const globals = words.flags as unknown as GlobalFlags;
  const format = (words.flags['output'] ?? 'table') as OutputFormat;
  return withInput(world, globals, format, words, command);
}

function runWithWords(world: World, command: CommandSpec, words: readonly string[]): Promise<number> {
  const flags = { ...NO_FLAGS, 'no-color': true, help: false };
  const parsed: ParsedWords = { arguments: Object.fromEntries(words.map((word, place) => [place, word])), flags: {} };
  return withInput(world, flags, 'table', parsed, command);
}

/** Of a command that gets all words as they are. */
const NO_FLAGS = {
  address: undefined,
  context: undefined,
  'token-file': undefined,
  token: undefined,
  cacert: undefined,
  'call-timeout': undefined,
} as const;

async function withInput(
  world: World,
  globals: GlobalFlags,
  format: OutputFormat,
  words: ParsedWords,
  command: CommandSpec,
): Promise<number> {
  const noColor = globals['no-color'];
  const sources = await connectionSources(world, globals);
  const note = (text: string) => world.errors.write(`${printable(hideTokens(text))}\n`);
  let connection: Connection | undefined;
  let client: CellClient | undefined;
  const input: CommandInput<never, never> = {
    arguments: words.arguments as never,
    flags: words.flags as never,
    globals,
    world,
    sources,
    connection() {
      connection ??= resolveConnection(sources);
      return connection;
    },
    client() {
      if (client === undefined) {
        const { context: _, warnings, ...options } = input.connection();
        // Nobody asked the shell, which completes a word, for advice.
        if (command.passesWords !== true) for (const warning of warnings) void note(warning);
        client = world.connect(options);
      }
      return client;
    },
    print: (view) => world.output.write(renderView(view, format, styleOf(world, { noColor, format }))),
    note,
  };
  try {
    if (command.trustChanges === 'before') await keepFresh(world, input.connection(), input.client(), note, 'now');
    const exitCode = (await command.run(input)) ?? 0;
    if (client !== undefined && connection !== undefined && command.passesWords !== true) {
      await keepFresh(world, connection, client, note, command.trustChanges === 'after' ? 'now' : 'if due');
    }
    return exitCode;
  } finally {
    client?.close();
  }
}

async function connectionSources(world: World, flags: GlobalFlags): Promise<ConnectionSources> {
  const { environment, homeFolder, currentFolder, clock } = world;
  const standardInput = flags['token-file'] === '-' ? await world.input.readAll(TOKEN_BYTES_MAX) : undefined;
  return { flags, environment, homeFolder, currentFolder, nowMs: clock.wallMs(), standardInput };
}

/** `CELL_E_…: sentence`, and never a stack trace, nor a token that was given in the wrong place. */
function errorText(world: World, error: unknown): string {
  const coded = error instanceof CliError || error instanceof CellApiError;
  const code = coded ? error.code : 'CELL_E_INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  const noColor = world.arguments.includes('--no-color');
  const style = styleOf(world, { noColor, format: 'table', of: 'errors' });
  return `${paint(code, 'bad', style)}: ${printable(hideTokens(message))}${advice(error)}\n`;
}

const UNREACHABLE_ADVICE = '; check that it runs there, or name other members with "--address" or CELL_ADDR';
const TIMEOUT_ADVICE = '; "cellctl fleet status" shows whether it has a leader, and "--call-timeout" gives it longer';

/** grpc-js looks names up itself; what it says of that is the cause of what one member's failure was. */
function unknownName(error: Error): string {
  const { cause } = error;
  if (!(cause instanceof Error)) return '';
  return /Name resolution failed|ENOTFOUND|EAI_AGAIN/.test(cause.message)
    ? ': a name has no address'
    : unknownName(cause);
}

/** What the SDK can't know: how this program is told where the control plane is. */
function advice(error: unknown): string {
  if (!(error instanceof CellApiError)) return '';
  if (error.code === 'CELL_E_TIMEOUT') return TIMEOUT_ADVICE;
  return error.code === 'CELL_E_UNREACHABLE' ? `${unknownName(error)}${UNREACHABLE_ADVICE}` : '';
}
