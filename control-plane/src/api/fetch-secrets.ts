/** Values of secrets, for the node that an allocation is on: the only way out of the vault. */
import type { FetchSecretsRequest, FetchSecretsResponseSchema, Outgoing } from '@cell/proto';
import { CellError } from '../cell-error.ts';
import { type AllocationRow, isFinal } from '../model/entities.ts';
import { secretKey, secretPurpose } from '../model/identity.ts';
import { nodeOf } from './node-caller.ts';
import { readState } from './read-state.ts';
import type { CallContext } from './serve.ts';
import type { MadeParts } from './service-parts.ts';

/**
 * What the allocation's version of its job names, as it is now. Answered from what this member has, so that a node can
 * start what it shall run while there is no leader.
 */
export async function fetchSecrets(
  parts: MadeParts,
  { allocationId }: FetchSecretsRequest,
  { caller, timeoutMs }: CallContext,
): Promise<Outgoing<typeof FetchSecretsResponseSchema>> {
  const nodeId = nodeOf(caller);
  const row = await findAllocation(parts, allocationId, nodeId, timeoutMs);
  const { state } = parts.consensus;
  const spec = state.jobVersion(row.job, row.jobVersion)?.spec;
  const values: Record<string, Uint8Array> = {};
  for (const [credential, name] of Object.entries(spec?.secrets ?? {})) {
    const secret = { namespace: spec!.namespace, name };
    const stored = state.secrets.get(secretKey(secret));
    if (stored === undefined) {
      const where = secret.namespace === 'default' ? '' : ` --namespace ${secret.namespace}`;
      const message =
        `Secret "${name}" of namespace "${secret.namespace}", which job "${row.job}" names, is not there; set it ` +
        `with "cellctl secret set ${name}${where}"`;
      throw new CellError('CELL_E_NOT_FOUND', message);
    }
    values[credential] = parts.vault.open(stored.sealed, secretPurpose(secret));
  }
  return { values };
}

/** To a node, allocations of others are not there at all. */
async function findAllocation(parts: MadeParts, id: string, nodeId: string, timeoutMs: number): Promise<AllocationRow> {
  const own = () => {
    const row = parts.consensus.state.allocations.get(id);
    return row !== undefined && row.nodeId === nodeId && !isFinal(row) ? row : undefined;
  };
  // A member that lags may not know it yet.
  const row = own() ?? (await readState(parts, false, timeoutMs).then(own));
  if (row !== undefined) return row;
  if (parts.consensus.state.allocations.has(id)) {
    parts.log.warn({ node: nodeId, allocation: id }, 'A node asked for secrets of an allocation that is not its own');
  }
  throw new CellError('CELL_E_NOT_FOUND', `Nothing called "${id.slice(0, 64)}" shall run on node "${nodeId}"`);
}
