import type { CommandResult, UndrainNode } from '../commands.ts';
import type { Application } from './application.ts';
import { isRevoked } from './is-revoked.ts';

/** Also makes eligible a node that was not drained. Result detail: `unchanged`. */
export function undrainNode(application: Application, command: UndrainNode): CommandResult {
  const node = application.tables.nodes.get(command.id);
  if (node === undefined) return application.refuse('CELL_E_NOT_FOUND', `There is no node "${command.id}" any more`);
  if (isRevoked(application.tables, node.id)) {
    return application.refuse('CELL_E_CONFLICT', `Node "${node.name}" was revoked, so it takes no allocations`);
  }
  if (node.eligible) return application.done({ unchanged: true });
  application.putNode({ ...node, eligible: true, drain: undefined, modifyIndex: application.index });
  const subject = `node/${node.name}`;
  if (node.drain === undefined) application.event('NodeEligible', subject, 'It takes allocations again');
  else {
    const early = node.drain.finishedAtMs === undefined ? '; what was still there stays' : '';
    application.event('NodeUndrained', subject, `It takes allocations again${early}`);
  }
  return application.done({ unchanged: false });
}
