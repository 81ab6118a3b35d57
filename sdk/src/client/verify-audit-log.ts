import { verifyAudit } from '@cell/identity/audit';
import type { AuditEntry } from '@cell/proto';

/**
 * Computes every hash of an audit log again: a sentence about the first one that is wrong, or undefined.
 *
 * @param log entries in order, and the hash of the entry before the first one: empty if that is the first of all
 */
export function verifyAuditLog(log: {
  readonly entries: readonly AuditEntry[];
  readonly anchor: string;
}): string | undefined {
  const entries = log.entries.map((entry) => ({
    ...entry,
    sequence: Number(entry.sequence),
    timeMs: Number(entry.timeMs),
    index: Number(entry.index),
  }));
  const found = verifyAudit(log.anchor, entries);
  if (found === undefined) return undefined;
  if (found.kind === 'gap') return `entries are missing before number ${found.sequence}`;
  return `entry number ${found.sequence}, or the one before it, is not as it was written`;
}
