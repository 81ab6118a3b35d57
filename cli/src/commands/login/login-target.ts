/** Where to log in, and under which name to keep that. */
import type { MembersOptions } from '@cell/sdk';
import { chosenContext, nonEmpty, readConfiguration, TIMEOUT_MS_DEFAULT } from '../../connection/configuration.ts';
import { ADDRESS_DEFAULT, type ConnectionSources, resolveMembers } from '../../connection/resolve-connection.ts';

/** As for other commands, but the context may be a new one. */
export function membersToLogInto(sources: ConnectionSources): MembersOptions {
  const configuration = readConfiguration(sources);
  const name = chosenContext(sources.flags.context, sources, configuration);
  const isKnown = name === undefined || Object.hasOwn(configuration?.contexts ?? {}, name);
  if (isKnown || addressIsGiven(sources)) return resolveMembers(sources);
  return { addresses: [ADDRESS_DEFAULT], timeoutMs: sources.flags['call-timeout'] ?? TIMEOUT_MS_DEFAULT };
}

/** The one that is asked for; else the usual one, unless it is about another address; else it is called as the cluster. */
export function contextToLogInto(sources: ConnectionSources, cluster: string): string {
  const usual = addressIsGiven(sources) ? undefined : readConfiguration(sources);
  const name = chosenContext(sources.flags.context, sources, usual);
  return name ?? nonEmpty(cluster.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 63)) ?? 'default';
}

function addressIsGiven({ flags, environment }: ConnectionSources): boolean {
  return flags.address !== undefined || nonEmpty(environment['CELL_ADDR']) !== undefined;
}
