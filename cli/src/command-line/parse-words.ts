import { parseArgs } from 'node:util';
import { parseDurationMs } from '@cell/config';
import { nearestWord } from '@cell/job';
import { CliError } from '../cli-error.ts';
import { type ArgumentSpec, type CommandSpec, commandName } from './command-spec.ts';
import type { FlagSpec, FlagSpecs } from './flag-spec.ts';
import { globalFlagSpecs } from './global-flags.ts';

export interface ParsedWords {
  readonly arguments: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Of the command and the global ones, by their long names. */
  readonly flags: Readonly<Record<string, boolean | number | string | undefined>>;
}

/** Reads the words after a command's name by its specification. Throws `CliError` `CELL_E_USAGE`. */
export function parseWords(command: CommandSpec, words: readonly string[]): ParsedWords {
  const specs: FlagSpecs = { ...globalFlagSpecs, ...command.flags };
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, optionOf(spec)])),
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  const flags: Record<string, boolean | number | string | undefined> = {};
  for (const [name, spec] of Object.entries(specs)) flags[name] = defaultOf(spec);
  const positionals: string[] = [];
  const restAt = restStart(command, tokens);
  for (const token of tokens.filter(({ index }) => index < restAt)) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const spec = Object.hasOwn(specs, token.name) ? specs[token.name] : undefined;
    if (spec === undefined) throw unknownFlag(command, specs, token.rawName);
    flags[token.name] = readFlag(command, token, spec);
  }
  // Whoever asks for help needs no complete command.
  if (flags['help'] === true) return { arguments: {}, flags };
  return { arguments: readArguments(command, positionals, words.slice(restAt)), flags };
}

/** Where the words begin that are taken as they are; behind the last one if the command takes none such. */
function restStart(
  { arguments: specs }: CommandSpec,
  tokens: readonly { readonly kind: string; readonly index: number }[],
): number {
  const place = Object.values(specs).findIndex((spec) => spec.rest === true);
  if (place === -1) return Number.POSITIVE_INFINITY;
  const positionals = tokens.filter(({ kind }) => kind === 'positional');
  return positionals[place]?.index ?? Number.POSITIVE_INFINITY;
}

function optionOf(spec: FlagSpec): { type: 'boolean' | 'string'; short?: string } {
  const type = spec.kind === 'switch' ? 'boolean' : 'string';
  return spec.short === undefined ? { type } : { type, short: spec.short };
}

function defaultOf(spec: FlagSpec): boolean | number | string | undefined {
  if (spec.kind === 'switch') return false;
  if (spec.kind === 'text') return undefined;
  if (spec.kind === 'duration') return spec.default === undefined ? undefined : parseDurationMs(spec.default);
  return spec.default;
}

interface OptionToken {
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function readFlag(command: CommandSpec, token: OptionToken, spec: FlagSpec): boolean | number | string {
  const { rawName, value } = token;
  if (spec.kind === 'switch') {
    if (value === undefined) return true;
    throw usage(command, `Flag "${rawName}" takes no value, but has "${value}"`);
  }
  if (value === undefined || (value.startsWith('--') && token.inlineValue !== true)) {
    throw usage(command, `Flag "${rawName}" needs a value: ${allowedBy(spec)}`);
  }
  const read = readValue(spec, value);
  if (read === undefined)
    throw usage(command, `Flag "${rawName}" has the value "${value}". It must be ${allowedBy(spec)}`);
  return read;
}

function readValue(spec: Exclude<FlagSpec, { kind: 'switch' }>, value: string): number | string | undefined {
  switch (spec.kind) {
    case 'text':
      return value === '' ? undefined : value;
    case 'choice':
      return spec.choices.find((choice) => choice === value);
    case 'count': {
      const count = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      return count >= spec.min && count <= spec.max ? count : undefined;
    }
    case 'duration': {
      const durationMs = parseDurationMs(value) ?? Number.NaN;
      const within = durationMs >= limitMs(spec.min) && durationMs <= limitMs(spec.max);
      return within ? durationMs : undefined;
    }
    default:
      return undefined;
  }
}

function limitMs(text: string): number {
  return parseDurationMs(text) as number;
}

function allowedBy(spec: Exclude<FlagSpec, { kind: 'switch' }>): string {
  switch (spec.kind) {
    case 'text':
      return `a text, ${spec.value}`;
    case 'choice':
      return `one of ${spec.choices.map((choice) => `"${choice}"`).join(', ')}`;
    case 'count':
      return `a whole number from ${spec.min} to ${spec.max}`;
    case 'duration':
      return `a duration from "${spec.min}" to "${spec.max}"`;
    default:
      return '';
  }
}

function readArguments(
  command: CommandSpec,
  positionals: readonly string[],
  rest: readonly string[],
): ParsedWords['arguments'] {
  const entries: [string, ArgumentSpec][] = Object.entries(command.arguments);
  const surplus = positionals[entries.length];
  if (surplus !== undefined) {
    const takes = entries.length === 0 ? 'takes no arguments' : `takes ${entries.map(([name]) => name).join(' ')} only`;
    throw usage(command, `"${commandName(command.path)}" ${takes}, but "${surplus}" is given too`);
  }
  return Object.fromEntries(
    entries.map(([name, spec], index) => {
      if (spec.rest === true && rest.length > 0) return [name, rest];
      const value = positionals[index];
      if (value === undefined && spec.optional !== true) throw usage(command, `${name} is missing: ${spec.summary}`);
      if (value !== undefined && spec.choices?.includes(value) === false) {
        const allowed = spec.choices.map((choice) => `"${choice}"`).join(', ');
        throw usage(command, `${name} has the value "${value}". It must be one of ${allowed}`);
      }
      return [name, value];
    }),
  );
}

function unknownFlag(command: CommandSpec, specs: FlagSpecs, rawName: string): CliError {
  const near = nearestWord(
    rawName,
    Object.keys(specs).map((name) => `--${name}`),
  );
  const sentence = `There is no flag "${rawName}" of "${commandName(command.path)}"`;
  if (near !== undefined) return new CliError('CELL_E_USAGE', `${sentence}; did you mean "${near}"?`);
  return usage(command, sentence);
}

function usage(command: CommandSpec, sentence: string): CliError {
  return new CliError('CELL_E_USAGE', `${sentence}; "${commandName(command.path)} --help" shows how`);
}
