import { CellApiError } from '../client/cell-api-error.ts';
import type { CellClient } from '../client/connect.ts';
import type { DrillMode } from './drill-observations.ts';

const ORDER_TIMEOUT_MS = 5_000;

/** After these the order may have been carried out; what follows tells. */
const UNCERTAIN: ReadonlySet<string> = new Set([
  'CELL_E_CONNECTION_LOST',
  'CELL_E_TIMEOUT',
  'CELL_E_OUTCOME_UNKNOWN',
  'CELL_E_PEER_UNREACHABLE',
]);

/** Orders the fault through a member that survives it. Rejects if it was certainly not carried out. */
export async function injectFault(
  mode: DrillMode,
  through: CellClient,
  { drillId, leaderId }: { readonly drillId: string; readonly leaderId: bigint },
): Promise<void> {
  const options = { attemptsMax: 1, timeoutMs: ORDER_TIMEOUT_MS };
  try {
    if (mode === 'crash') await through.drills.crashLeader({ drillId, leaderId }, options);
    else await through.controlPlane.transferLeadership({ to: 0n }, options);
  } catch (error) {
    if (!(error instanceof CellApiError) || !UNCERTAIN.has(error.code)) throw error;
  }
}
