import type { NodeIdentityRow } from '../../model/identity.ts';
import type { CommandResult, RevokeNode } from '../commands.ts';
import type { Application } from './application.ts';

/**
 * Result detail: `unchanged`. It takes no allocations from now on; those that it has are replaced when it is lost, since
 * until then nobody knows whether they run.
 */
export function revokeNode(application: Application, { id }: RevokeNode): CommandResult {
  const { tables, timeMs, index: modifyIndex } = application;
  const identity = tables.nodeIdentities.get(id);
  const node = tables.nodes.get(id);
  if (identity === undefined && node === undefined) {
    return application.refuse(
      'CELL_E_NOT_FOUND',
      `There is no node "${id}"; "cellctl node list" shows those there are`,
    );
  }
  if (identity?.revokedAtMs !== undefined) return application.done({ unchanged: true });
  const name = node?.name ?? identity?.name ?? id;
  application.putNodeIdentity({ ...(identity ?? neverJoined(id, name)), revokedAtMs: timeMs, modifyIndex });
  if (node !== undefined) {
    application.putNode({ ...node, eligible: false, statusMessage: 'Its identity was revoked', modifyIndex });
  }
  application.event('NodeRevoked', `node/${name}`, 'Its identity was revoked: it is cut off, and takes no allocations');
  return application.done({ unchanged: false });
}

/** A node from before nodes joined. */
function neverJoined(nodeId: string, name: string): Omit<NodeIdentityRow, 'revokedAtMs' | 'modifyIndex'> {
  return { nodeId, name, tokenId: '', keyHash: '', authorityId: '', certificateExpiresAtMs: 0, joinedAtMs: 0 };
}
