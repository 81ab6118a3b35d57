import type { CommandResult, SetNodeEligibility } from '../commands.ts';
import type { Application } from './application.ts';
import { isRevoked } from './is-revoked.ts';

/** What runs there stays either way. Result detail: `unchanged`. */
export function setNodeEligibility(application: Application, { id, eligible }: SetNodeEligibility): CommandResult {
  const node = application.tables.nodes.get(id);
  if (node === undefined) return application.refuse('CELL_E_NOT_FOUND', `There is no node "${id}" any more`);
  if (eligible && isRevoked(application.tables, id)) {
    return application.refuse('CELL_E_CONFLICT', `Node "${node.name}" was revoked, so it takes no allocations`);
  }
  if (eligible && node.drain !== undefined) {
    return application.refuse(
      'CELL_E_CONFLICT',
      `Node "${node.name}" is drained, so it takes no allocations; say "cellctl node undrain ${node.name}" to end that`,
    );
  }
  if (node.eligible === eligible) return application.done({ unchanged: true });
  application.putNode({ ...node, eligible, modifyIndex: application.index });
  if (eligible) application.event('NodeEligible', `node/${node.name}`, 'It takes allocations again');
  else application.event('NodeIneligible', `node/${node.name}`, 'It takes no new allocations; what runs there stays');
  return application.done({ unchanged: false });
}
