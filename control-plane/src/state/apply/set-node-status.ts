import { isFinal, type NodeRow } from '../../model/entities.ts';
import type { CommandResult, SetNodeStatus } from '../commands.ts';
import type { Application } from './application.ts';
import { isRevoked } from './is-revoked.ts';

/** Result detail: `changed`, the number of nodes. Unknown nodes, and those that are so already, are left out. */
export function setNodeStatus(application: Application, command: SetNodeStatus): CommandResult {
  let changed = 0;
  for (const { id, status, message } of command.nodes) {
    const node = application.tables.nodes.get(id);
    if (node === undefined || node.status === status) continue;
    // Whoever speaks for it is not let in any more.
    if (status === 'ready' && isRevoked(application.tables, id)) continue;
    changed += 1;
    application.putNode({
      ...node,
      status,
      statusMessage: message,
      statusChangedAtMs: application.timeMs,
      modifyIndex: application.index,
    });
    application.event(status === 'lost' ? 'NodeLost' : 'NodeReady', `node/${node.name}`, message);
    if (status === 'lost') loseAllocations(application, node);
  }
  return application.done({ changed });
}

/** Whether they still run there, nobody knows; the agent stops them when it is back and is not given them any more. */
function loseAllocations(application: Application, node: NodeRow): void {
  const alive = [...application.tables.allocationsOnNode(node.id)].filter((row) => !isFinal(row));
  alive.sort((one, other) => (one.id < other.id ? -1 : 1));
  for (const row of alive) {
    const message = `Node "${node.name}" was lost`;
    application.putAllocation({
      ...row,
      state: 'lost',
      message,
      changedAtMs: application.timeMs,
      modifyIndex: application.index,
    });
    application.event('AllocationLost', `allocation/${row.id}`, `${row.job}/${row.instance}: ${message}`);
  }
}
