/** Where to log in, and under which name to keep that. */
import { X509Certificate } from 'node:crypto';
import type { GetCallerResponse, MembersOptions } from '@cell/sdk';
import { CliError } from '../../cli-error.ts';
import { chosenContext, nonEmpty, readConfiguration, TIMEOUT_MS_DEFAULT } from '../../connection/configuration.ts';
import { identityFolder, readContextIdentity } from '../../connection/context-identity.ts';
import { ADDRESS_DEFAULT, type ConnectionSources, resolveMembers } from '../../connection/resolve-connection.ts';

/** What the cluster says of itself. */
type Known = Pick<GetCallerResponse, 'cluster' | 'trust'>;

/** As for other commands, but the context may be a new one. */
export function membersToLogInto(sources: ConnectionSources): MembersOptions {
  const configuration = readConfiguration(sources);
  const name = chosenContext(sources.flags.context, sources, configuration);
  const isKnown = name === undefined || Object.hasOwn(configuration?.contexts ?? {}, name);
  if (isKnown || addressIsGiven(sources)) return resolveMembers(sources);
  return { addresses: [ADDRESS_DEFAULT], timeoutMs: sources.flags['call-timeout'] ?? TIMEOUT_MS_DEFAULT };
}

/**
 * The one that is asked for; else the usual one, unless it is about another address; else it is called as the cluster.
 * Throws `CliError` `CELL_E_CONFLICT` if that name is taken by another cluster: its token may be kept nowhere else.
 */
export function contextToLogInto(sources: ConnectionSources, { cluster, trust }: Known): string {
  const usual = addressIsGiven(sources) ? undefined : readConfiguration(sources);
  const name = chosenContext(sources.flags.context, sources, usual);
  if (name !== undefined) return name;
  const called = nonEmpty(cluster.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 63)) ?? 'default';
  if (isOfAnother(sources, called, trust)) {
    const message = `You are logged in to another cluster that is called "${cluster}", in context "${called}"`;
    const advice = `name this one with "--context", or forget that one with "cellctl logout --context ${called}"`;
    throw new CliError('CELL_E_CONFLICT', `${message}; ${advice}`);
  }
  return called;
}

/** Whether somebody is logged in there, to whom none of the authorities is known. */
function isOfAnother(sources: ConnectionSources, name: string, trust: readonly string[]): boolean {
  const folder = identityFolder(sources, name);
  const known = folder === undefined ? undefined : readContextIdentity(folder)?.trust;
  if (known === undefined || trust.length === 0) return false;
  const fingerprints = new Set(known.map(fingerprintOf));
  return !trust.some((certificate) => fingerprints.has(fingerprintOf(certificate)));
}

function fingerprintOf(certificate: string): string {
  return new X509Certificate(certificate).fingerprint256;
}

function addressIsGiven({ flags, environment }: ConnectionSources): boolean {
  return flags.address !== undefined || nonEmpty(environment['CELL_ADDR']) !== undefined;
}
