/** The file that people keep about their control planes. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  addressWithPort,
  ConfigError,
  dictionary,
  duration,
  list,
  optional,
  readSettings,
  table,
  text,
  withDefault,
} from '@cell/config';
import { CliError } from '../cli-error.ts';
import { readSmallFile } from './private-file.ts';

export const PORT_DEFAULT = 7600;
export const TIMEOUT_MS_DEFAULT = 10_000;
export const ADDRESSES_MAX = 16;
const CONTEXTS_MAX = 100;
const FILE_BYTES_MAX = 1024 * 1024;

const contextSchema = table({
  addresses: list(addressWithPort(PORT_DEFAULT), 1, ADDRESSES_MAX),
  timeout: withDefault(duration('100ms', '10m'), TIMEOUT_MS_DEFAULT),
});
const fileSchema = table({
  context: optional(text()),
  contexts: dictionary(contextSchema, CONTEXTS_MAX),
});

/** Where a person's files are. */
export interface PersonsPlace {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
}

export interface Context {
  readonly addresses: readonly string[];
  /** For one call, in milliseconds. */
  readonly timeout: number;
}

export interface Configuration {
  /** The one that is used if nothing else is said. */
  readonly context: string | undefined;
  readonly contexts: Readonly<Record<string, Context>>;
}

/** All that belongs to this program, of one person. */
export function configurationFolder({ environment, homeFolder }: PersonsPlace): string {
  return join(nonEmpty(environment['XDG_CONFIG_HOME']) ?? join(homeFolder, '.config'), 'cell');
}

export function configurationFile(place: PersonsPlace): string {
  return join(configurationFolder(place), 'config.toml');
}

/** Undefined if there is none. Throws `CliError` `CELL_E_CONFIG` with all that is wrong with it. */
export function readConfiguration(place: PersonsPlace): Configuration | undefined {
  const file = configurationFile(place);
  const written = readConfigurationText(file);
  return written === undefined ? undefined : parseConfiguration(written, file);
}

/** Undefined if there is no such file. Throws `CliError` `CELL_E_FILE`. */
export function readConfigurationText(file: string): string | undefined {
  return existsSync(file) ? readSmallFile(file, 'the configuration', FILE_BYTES_MAX) : undefined;
}

/** Throws `CliError` `CELL_E_CONFIG` with all that is wrong. `file`: for its sentences. */
export function parseConfiguration(written: string, file: string): Configuration {
  try {
    return readSettings(written, { file }, fileSchema);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CliError('CELL_E_CONFIG', error.message, { cause: error });
  }
}

/** The name of the context that flags, environment or the file choose; undefined if none does. */
export function chosenContext(flag: string | undefined, place: PersonsPlace, configuration?: Configuration) {
  return flag ?? nonEmpty(place.environment['CELL_CONTEXT']) ?? configuration?.context;
}

/** Throws `CliError` `CELL_E_CONFIG` if there is none of that name. */
export function contextNamed(name: string, place: PersonsPlace, configuration: Configuration | undefined): Context {
  const file = configurationFile(place);
  if (configuration === undefined) {
    throw new CliError('CELL_E_CONFIG', `There is no context "${name}", since there is no file "${file}"`);
  }
  if (Object.hasOwn(configuration.contexts, name)) return configuration.contexts[name] as Context;
  const known = Object.keys(configuration.contexts).map((each) => `"${each}"`);
  const have = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
  throw new CliError('CELL_E_CONFIG', `There is no context "${name}" in "${file}"; ${have}`);
}

export function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
