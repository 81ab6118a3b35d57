/**
 * The chain of hashes over the audit log: who changes, removes or moves an entry has to change all hashes after it, and
 * whoever kept one of them sees that. Imports nothing but the hash function: the replicated state computes it too.
 */
import { hash } from 'node:crypto';

/** An entry without its hash, as `AuditEntry` of identity.proto describes it. */
export interface AuditedEntry {
  readonly sequence: number;
  readonly timeMs: number;
  readonly index: number;
  readonly actor: string;
  readonly method: string;
  readonly subject: string;
  readonly from: string;
  readonly outcome: string;
  readonly count: number;
}

/**
 * SHA-256, hexadecimal, of the hash before (empty before the first entry), a line feed, and the entry as a JSON list of
 * its fields in the order of `AuditedEntry`. That text has one form only: numbers are whole, and JSON escapes lone
 * surrogates.
 */
export function auditHash(previousHash: string, entry: AuditedEntry): string {
  const { sequence, timeMs, index, actor, method, subject, from, outcome, count } = entry;
  const fields = [sequence, timeMs, index, actor, method, subject, from, outcome, count];
  return hash('sha256', `${previousHash}\n${JSON.stringify(fields)}`);
}

/** Where a chain breaks. */
export interface AuditBreak {
  /** Of the entry that does not follow from what is before it. */
  readonly sequence: number;
  /** gap: entries are missing before it. changed: it, or the one before, is not as it was written. */
  readonly kind: 'gap' | 'changed';
}

/**
 * Goes over entries in order.
 *
 * @param anchor hash of the entry before the first one; empty if that is entry 1
 * @returns the first break; undefined if each entry follows from the one before
 */
export function verifyAudit(
  anchor: string,
  entries: readonly (AuditedEntry & { readonly hash: string })[],
): AuditBreak | undefined {
  let before = anchor;
  let expected = entries[0]?.sequence ?? 0;
  // Without anything before it, only the first one of all can be followed back.
  if (entries[0] !== undefined && (anchor === '') !== (expected === 1)) return { sequence: expected, kind: 'gap' };
  for (const entry of entries) {
    if (entry.sequence !== expected) return { sequence: entry.sequence, kind: 'gap' };
    if (entry.hash !== auditHash(before, entry)) return { sequence: entry.sequence, kind: 'changed' };
    before = entry.hash;
    expected += 1;
  }
  return undefined;
}
