/** Where the control plane is: a flag goes before the environment, and that before the configuration file. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  addressWithPort,
  ConfigError,
  dictionary,
  duration,
  list,
  loadSettings,
  optional,
  table,
  text,
  withDefault,
  withPort,
} from '@cell/config';
import { CliError } from '../cli-error.ts';
import type { GlobalFlags } from '../command-line/global-flags.ts';

export interface Connection {
  readonly addresses: readonly string[];
  readonly timeoutMs: number;
}

const PORT_DEFAULT = 7600;
const ADDRESS_DEFAULT = `127.0.0.1:${PORT_DEFAULT}`;
const TIMEOUT_MS_DEFAULT = 10_000;
const ADDRESSES_MAX = 16;
const CONTEXTS_MAX = 100;

const contextSchema = table({
  addresses: list(addressWithPort(PORT_DEFAULT), 1, ADDRESSES_MAX),
  timeout: withDefault(duration('100ms', '10m'), TIMEOUT_MS_DEFAULT),
});
const fileSchema = table({
  context: optional(text()),
  contexts: dictionary(contextSchema, CONTEXTS_MAX),
});

export interface ConnectionSources {
  readonly flags: Pick<GlobalFlags, 'address' | 'context' | 'call-timeout'>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
}

/** Throws `CliError` (`CELL_E_USAGE`, `CELL_E_CONFIG`) that names the value and where it comes from. */
export function resolveConnection({ flags, environment, homeFolder }: ConnectionSources): Connection {
  const timeoutMs = flags['call-timeout'];
  const given = flags.address ?? nonEmpty(environment['CELL_ADDR']);
  if (given !== undefined) {
    const source = flags.address === undefined ? 'CELL_ADDR' : '--address';
    return { addresses: readAddresses(given, source), timeoutMs: timeoutMs ?? TIMEOUT_MS_DEFAULT };
  }
  const wanted = flags.context ?? nonEmpty(environment['CELL_CONTEXT']);
  const configured = contextFrom(configurationFile(environment, homeFolder), wanted);
  return {
    addresses: configured?.addresses ?? [ADDRESS_DEFAULT],
    timeoutMs: timeoutMs ?? configured?.timeout ?? TIMEOUT_MS_DEFAULT,
  };
}

export function configurationFile(
  environment: Readonly<Record<string, string | undefined>>,
  homeFolder: string,
): string {
  const folder = nonEmpty(environment['XDG_CONFIG_HOME']) ?? join(homeFolder, '.config');
  return join(folder, 'cell', 'config.toml');
}

function contextFrom(file: string, wanted: string | undefined) {
  if (!existsSync(file)) {
    if (wanted === undefined) return undefined;
    throw new CliError('CELL_E_CONFIG', `There is no context "${wanted}", since there is no file "${file}"`);
  }
  const settings = loadFile(file);
  const name = wanted ?? settings.context;
  if (name === undefined) return undefined;
  if (Object.hasOwn(settings.contexts, name)) return settings.contexts[name];
  const known = Object.keys(settings.contexts).map((each) => `"${each}"`);
  const have = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
  throw new CliError('CELL_E_CONFIG', `There is no context "${name}" in "${file}"; ${have}`);
}

function loadFile(file: string) {
  try {
    return loadSettings({ file }, fileSchema);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new CliError('CELL_E_CONFIG', error.message, { cause: error });
  }
}

function readAddresses(given: string, source: string): string[] {
  const parts = given
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const addresses = parts.flatMap((part) => withPort(part, PORT_DEFAULT) ?? []);
  const wrong = parts.find((part) => withPort(part, PORT_DEFAULT) === undefined);
  if (wrong === undefined && addresses.length > 0 && addresses.length <= ADDRESSES_MAX) return addresses;
  const allowed = `1 to ${ADDRESSES_MAX} addresses such as "${ADDRESS_DEFAULT}" or "10.0.0.1", with commas between them`;
  throw new CliError('CELL_E_USAGE', `"${source}" has the value "${wrong ?? given}". It must be ${allowed}`);
}

function nonEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}
