import type { AuditEntrySchema, ListAuditRequest, ListAuditResponseSchema, Outgoing } from '@cell/proto';
import type { AuditRow } from '../model/identity.ts';
import type { FleetState } from '../state/fleet-state.ts';

const entriesPerMessageMax = 500;

/** The rows as they are when the first part is asked for: what comes meanwhile is not listed. */
export function* listAudit(
  { audit, auditAnchor }: Pick<FleetState, 'audit' | 'auditAnchor'>,
  { afterSequence, limit }: ListAuditRequest,
): Iterable<Outgoing<typeof ListAuditResponseSchema>> {
  const after = audit.filter(({ sequence }) => BigInt(sequence) > afterSequence);
  const rows = limit === 0 ? after : after.slice(-limit);
  for (let start = 0; start === 0 || start < rows.length; start += entriesPerMessageMax) {
    const entries = rows.slice(start, start + entriesPerMessageMax).map(entryToProto);
    yield start === 0 ? { entries, anchor: auditAnchor } : { entries };
  }
}

function entryToProto({ sequence, timeMs, index, ...rest }: AuditRow): Outgoing<typeof AuditEntrySchema> {
  const { actor, method, subject, from, outcome, count, hash } = rest;
  const numbers = { sequence: BigInt(sequence), timeMs: BigInt(timeMs), index: BigInt(index) };
  return { ...numbers, actor, method, subject, from, outcome, count, hash };
}
