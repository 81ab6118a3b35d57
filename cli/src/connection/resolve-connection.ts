/** Where the control plane is, and who calls it: a flag goes before the environment, and that before a context. */
import { X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { withPort } from '@cell/config';
import type { ConnectOptions, Identity, MembersOptions } from '@cell/sdk';
import { CliError } from '../cli-error.ts';
import type { GlobalFlags } from '../command-line/global-flags.ts';
import {
  ADDRESSES_MAX,
  chosenContext,
  contextNamed,
  nonEmpty,
  type PersonsPlace,
  PORT_DEFAULT,
  readConfiguration,
  TIMEOUT_MS_DEFAULT,
} from './configuration.ts';
import {
  identityExposure,
  identityFolder,
  readContextIdentity,
  readTrust,
  TOKEN_BYTES_MAX,
} from './context-identity.ts';
import { exposure, readSmallFile } from './private-file.ts';

export const ADDRESS_DEFAULT = `127.0.0.1:${PORT_DEFAULT}`;

export interface Connection extends ConnectOptions {
  /** The context whose identity it is; undefined if it comes from a flag or the environment. */
  readonly context: { readonly name: string; readonly folder: string } | undefined;
  /** What the person should know: who else may read the token. */
  readonly warnings: readonly string[];
}

export interface ConnectionSources extends PersonsPlace {
  readonly flags: Pick<GlobalFlags, 'address' | 'context' | 'call-timeout' | 'token' | 'token-file' | 'cacert'>;
  readonly currentFolder: string;
  /** In milliseconds since 1970. */
  readonly nowMs: number;
  /** All of standard input, for "--token-file -". */
  readonly standardInput?: string | undefined;
}

/** Throws `CliError` (`CELL_E_USAGE`, `CELL_E_CONFIG`, `CELL_E_FILE`, `CELL_E_NO_IDENTITY`, …) that names its place. */
export function resolveConnection(sources: ConnectionSources): Connection {
  const members = resolveMembers(sources);
  const trust = givenTrust(sources);
  const given = givenToken(sources);
  if (given !== undefined) {
    return { ...members, identity: { token: given.token, trust }, context: undefined, warnings: given.warnings };
  }
  const name = chosenContext(sources.flags.context, sources, readConfiguration(sources));
  const folder = name === undefined ? undefined : identityFolder(sources, name);
  const known = folder === undefined ? undefined : readContextIdentity(folder);
  if (name === undefined || folder === undefined || known === undefined) throw noIdentity(name);
  checkNotEnded(known, name, sources.nowMs);
  const identity = trust === undefined ? known : { ...known, trust };
  return { ...members, identity, context: { name, folder }, warnings: identityExposure(folder) };
}

/** As `resolveConnection`, without saying who calls. */
export function resolveMembers(sources: ConnectionSources): MembersOptions {
  const { flags, environment } = sources;
  const timeoutMs = flags['call-timeout'];
  const given = flags.address ?? nonEmpty(environment['CELL_ADDR']);
  if (given !== undefined) {
    const source = flags.address === undefined ? 'CELL_ADDR' : '--address';
    return { addresses: readAddresses(given, source), timeoutMs: timeoutMs ?? TIMEOUT_MS_DEFAULT };
  }
  const configuration = readConfiguration(sources);
  const name = chosenContext(flags.context, sources, configuration);
  const context = name === undefined ? undefined : contextNamed(name, sources, configuration);
  return {
    addresses: context?.addresses ?? [ADDRESS_DEFAULT],
    timeoutMs: timeoutMs ?? context?.timeout ?? TIMEOUT_MS_DEFAULT,
  };
}

/** The token that a flag or the environment gives. */
export function givenToken({ flags, environment, currentFolder, standardInput }: ConnectionSources) {
  if (flags.token !== undefined) {
    const warning = 'A token as an argument is seen by all on this machine (ps); better give it with "--token-file"';
    return { token: flags.token.trim(), warnings: [warning] };
  }
  if (flags['token-file'] === '-') return { token: (standardInput ?? '').trim(), warnings: [] };
  const file = flags['token-file'] ?? nonEmpty(environment['CELL_TOKEN_FILE']);
  if (file !== undefined) {
    const path = resolve(currentFolder, file);
    const token = readSmallFile(path, 'the token in', TOKEN_BYTES_MAX).trim();
    const warning = exposure(path);
    return { token, warnings: warning === undefined ? [] : [warning] };
  }
  const token = nonEmpty(environment['CELL_TOKEN']?.trim());
  return token === undefined ? undefined : { token, warnings: [] };
}

/** The authorities that a flag or the environment names. */
export function givenTrust({ flags, environment, currentFolder }: ConnectionSources): Identity['trust'] {
  const file = flags.cacert ?? nonEmpty(environment['CELL_CACERT']);
  return file === undefined ? undefined : readTrust(resolve(currentFolder, file));
}

function noIdentity(context: string | undefined): CliError {
  const which = context === undefined ? '' : ` --context ${context}`;
  const message =
    `Nothing says who you are: log in with "cellctl login${which}", or give a token with "--token-file", ` +
    'CELL_TOKEN_FILE or CELL_TOKEN';
  return new CliError('CELL_E_NO_IDENTITY', message);
}

function checkNotEnded({ token, credentials }: Identity, context: string, nowMs: number): void {
  if (token !== undefined || credentials === undefined) return;
  const { validToDate } = new X509Certificate(credentials.chain);
  if (nowMs <= validToDate.getTime()) return;
  const message =
    `The certificate of context "${context}" ended at ${validToDate.toISOString()}; log in again with ` +
    `"cellctl login --context ${context} --certificate"`;
  throw new CliError('CELL_E_CERTIFICATE_EXPIRED', message);
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
