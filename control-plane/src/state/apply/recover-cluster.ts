import { presentMembers } from '../../model/members.ts';
import type { CommandResult, RecoverCluster } from '../commands.ts';
import type { Application } from './application.ts';
import { removed } from './remove-member.ts';

/** Result detail: `dropped`, the ids of those that are out. */
export function recoverCluster(application: Application, command: RecoverCluster): CommandResult {
  const { tables, index, timeMs } = application;
  const { survivor, clusterId, formerClusterId } = command;
  const known = tables.members.get(survivor);
  // A cluster that lost its quorum before anybody was written down has no rows.
  if (tables.members.size > 0 && (known === undefined || known.status === 'removed')) {
    const why = known === undefined ? 'is unknown' : 'was removed';
    return application.refuse('CELL_E_NOT_FOUND', `Member ${survivor} ${why}, so the cluster cannot go on with it`);
  }
  const others = presentMembers(tables.members).filter(({ id }) => id !== survivor);
  for (const row of others) application.putMember(removed(row, application));
  const dropped = others.map(({ id }) => id);
  application.appendRecovery({ clusterId, formerClusterId, survivor, dropped, timeMs, index });
  const without = dropped.length === 0 ? '' : `, without ${dropped.join(', ')}`;
  const message = `Went on with member ${survivor} alone${without}, as cluster "${clusterId}", before "${formerClusterId}"`;
  application.event('ClusterRecovered', 'control-plane', `${message}; writes that only lost members had are gone`);
  return application.done({ dropped });
}
