import type { CommandResult, RenewNode } from '../commands.ts';
import type { Application } from './application.ts';

export function renewNode(application: Application, { node }: RenewNode): CommandResult {
  const row = application.tables.nodeIdentities.get(node.nodeId);
  if (row === undefined) {
    const message = `Node "${node.nodeId}" has not joined; it needs a token: "cellctl token create --role agent"`;
    return application.refuse('CELL_E_FORBIDDEN', message);
  }
  if (row.revokedAtMs !== undefined) {
    return application.refuse('CELL_E_FORBIDDEN', `Node "${node.nodeId}" was revoked; it can't come back`);
  }
  application.putNodeIdentity({ ...row, ...node, modifyIndex: application.index });
  return application.done();
}
