import { wrapText } from '../output/wrap-text.ts';
import { type CommandSpec, commandName } from './command-spec.ts';
import type { FlagSpec, FlagSpecs } from './flag-spec.ts';
import { globalFlagSpecs } from './global-flags.ts';

const WIDTH = 80;
/** A name that is longer gets its explanation on the next line. */
const NAME_WIDTH_MAX = 26;

/** What `cellctl VERB --help` prints. */
export function commandHelp(command: CommandSpec): string {
  const argumentRows = Object.entries(command.arguments).map(([name, spec]) => [name, spec.summary] as const);
  const sections = [
    `${sentence(command.summary)}\n\n`,
    ...(command.description ?? []).map((paragraph) => `${wrapText(paragraph, WIDTH)}\n\n`),
    `Usage:\n  ${usageLine(command)}\n`,
    section('Arguments', argumentRows),
    section('Flags', flagRows(command.flags)),
    section('Flags of every command', flagRows(globalFlagSpecs)),
    section('Exit codes', exitCodeRows(command)),
    examplesSection(command),
  ];
  return sections.join('');
}

/** What `cellctl` and `cellctl NOUN` print: the commands that begin with the given words. */
export function groupHelp(commands: readonly CommandSpec[], path: readonly string[]): string {
  const shown = commands.filter(
    (command) => command.hidden !== true && path.every((part, place) => command.path[place] === part),
  );
  const rows = shown.map((command) => [command.path.join(' '), command.summary] as const);
  const intro = path.length === 0 ? 'Shows and drives a fleet.\n\n' : '';
  const usage = `Usage:\n  ${commandName(path)} COMMAND [ARGUMENT…] [FLAG…]\n`;
  const more = `\n"${commandName([...path, path.length === 0 ? 'NOUN VERB' : 'VERB'])} --help" explains one command.\n`;
  return `${intro}${usage}${section('Commands', rows)}${section('Flags of every command', flagRows(globalFlagSpecs))}${more}`;
}

/** `cellctl node show NODE [FLAG…]`. */
export function usageLine(command: CommandSpec): string {
  const specs = Object.entries(command.arguments);
  const words = specs.flatMap(([name, { rest, optional }]) =>
    rest === true ? [] : [optional === true ? `[${name}]` : name],
  );
  const rest = specs.flatMap(([name, spec]) => (spec.rest === true ? ['--', `${name}…`] : []));
  return [commandName(command.path), ...words, '[FLAG…]', ...rest].join(' ');
}

/** Names as one types them, and what they do. */
export function flagRows(specs: FlagSpecs): (readonly [string, string])[] {
  return Object.entries(specs).map(([name, spec]) => {
    const short = spec.short === undefined ? '' : `-${spec.short}, `;
    const value = valueName(spec);
    return [`${short}--${name}${value === '' ? '' : ` ${value}`}`, `${spec.summary}${defaultText(spec)}`] as const;
  });
}

export function exitCodeRows(command: CommandSpec): (readonly [string, string])[] {
  if (command.exitCodes === undefined) return [];
  return Object.entries(command.exitCodes).map(([code, meaning]) => [code, meaning] as const);
}

function valueName(spec: FlagSpec): string {
  switch (spec.kind) {
    case 'switch':
      return '';
    case 'choice':
      return spec.choices.join('|');
    case 'duration':
      return 'DURATION';
    default:
      return spec.value;
  }
}

function defaultText(spec: FlagSpec): string {
  if (spec.kind === 'switch' || spec.kind === 'text' || spec.default === undefined) return '';
  return spec.kind === 'count' ? ` (default: ${spec.default})` : ` (default: "${spec.default}")`;
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return '';
  const width = Math.min(NAME_WIDTH_MAX, Math.max(...rows.map(([name]) => name.length)));
  const indent = ' '.repeat(width + 4);
  const lines = rows.map(([name, text]) => {
    const wrapped = wrapText(text, WIDTH - indent.length).replaceAll('\n', `\n${indent}`);
    return name.length > width ? `  ${name}\n${indent}${wrapped}` : `  ${name.padEnd(width)}  ${wrapped}`;
  });
  return `\n${title}:\n${lines.join('\n')}\n`;
}

function examplesSection({ examples }: CommandSpec): string {
  if (examples.length === 0) return '';
  const lines = examples.map(({ command, what }) => `  # ${what}\n  ${command}`);
  return `\nExamples:\n${lines.join('\n')}\n`;
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}
