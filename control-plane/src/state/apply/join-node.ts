import type { NodeIdentityRow } from '../../model/identity.ts';
import type { CommandResult, JoinNode } from '../commands.ts';
import { NODE_IDENTITIES_MAX, NODES_MAX } from '../limits.ts';
import type { Application } from './application.ts';
import { tokenRefusal, useToken } from './use-token.ts';

/**
 * Result detail: `unchanged`. Who comes with the key of the node that has the id is that node: with the token that it
 * joined with it asks again since it got no answer, with another one it has been away for longer than it could renew.
 */
export function joinNode(application: Application, { node }: JoinNode): CommandResult {
  const { tables, index: modifyIndex } = application;
  const before = tables.nodeIdentities.get(node.nodeId);
  const refusal = tokenRefusal(application, node.tokenId, 'agent') ?? revokedRefusal(before);
  if (refusal !== undefined) return application.refuse('CELL_E_FORBIDDEN', refusal);
  if (before !== undefined && before.keyHash !== node.keyHash) {
    const message = `Another machine has joined as node "${node.nodeId}"`;
    const advice = 'give this machine an empty data folder; if the other one is gone for good, revoke that node';
    return application.refuse('CELL_E_CONFLICT', `${message}; ${advice}`);
  }
  if (before !== undefined && before.tokenId === node.tokenId) return application.done({ unchanged: true });
  const full = before === undefined && isFull(application);
  if (full) return application.refuse('CELL_E_LIMIT', `${NODES_MAX} nodes have joined, and no more are allowed`);
  const usedUp = useToken(application, node.tokenId);
  if (usedUp !== undefined) return application.refuse('CELL_E_FORBIDDEN', usedUp);
  const joinedAtMs = before?.joinedAtMs ?? application.timeMs;
  application.putNodeIdentity({ ...node, joinedAtMs, revokedAtMs: undefined, modifyIndex });
  const token = tables.tokens.get(node.tokenId)?.name ?? node.tokenId;
  const again = before === undefined ? 'Joined' : 'Joined again';
  application.event('NodeJoined', `node/${node.name}`, `${again} by the token "${token}"`);
  return application.done({ unchanged: false });
}

function revokedRefusal(before: NodeIdentityRow | undefined): string | undefined {
  if (before?.revokedAtMs === undefined) return undefined;
  return `Node "${before.nodeId}" was revoked; give this machine an empty data folder to join it as a new node`;
}

function isFull({ tables }: Application): boolean {
  return tables.identity.joinedNodes >= NODES_MAX || tables.nodeIdentities.size >= NODE_IDENTITIES_MAX;
}
