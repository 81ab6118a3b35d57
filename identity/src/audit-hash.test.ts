import { expect, test } from 'vitest';
import { type AuditedEntry, auditHash, verifyAudit } from './audit-hash.ts';

function entry(sequence: number, changes: Partial<AuditedEntry> = {}): AuditedEntry {
  const what = { actor: 'token/ann (t1)', method: 'JobService/SubmitJob', subject: 'job/web', from: '10.0.0.7' };
  return { sequence, timeMs: 1_000 + sequence, index: 10 + sequence, ...what, outcome: 'ok', count: 1, ...changes };
}

function chain(length: number) {
  const entries: (AuditedEntry & { hash: string })[] = [];
  for (let sequence = 1; sequence <= length; sequence += 1) {
    const next = entry(sequence);
    entries.push({ ...next, hash: auditHash(entries.at(-1)?.hash ?? '', next) });
  }
  return entries;
}

test('the hash of an entry is what it always was: stored logs depend on it', () => {
  // printf '\n[1,1001,11,"token/ann (t1)","JobService/SubmitJob","job/web","10.0.0.7","ok",1]' | sha256sum
  expect(auditHash('', entry(1))).toBe('c8c0bf5e1ea10e1849c42ca953ab2848bc740813840769b07b49817d980c8a9e');
});

test('a chain holds from its beginning, and from any entry whose predecessor is known', () => {
  const entries = chain(5);
  expect(verifyAudit('', entries)).toBeUndefined();
  expect(verifyAudit(entries[1]?.hash ?? '', entries.slice(2))).toBeUndefined();
  expect(verifyAudit('', [])).toBeUndefined();
});

test.each<[string, Partial<AuditedEntry>]>([
  ['who', { actor: 'token/bob (t2)' }],
  ['what', { method: 'JobService/StopJob' }],
  ['on what', { subject: 'job/other' }],
  ['from where', { from: '10.0.0.8' }],
  ['when', { timeMs: 1_004 }],
  ['the index', { index: 14 }],
  ['the outcome', { outcome: 'CELL_E_FORBIDDEN' }],
  ['how often', { count: 2 }],
  // The same characters, from one field to the next.
  ['where one field ends', { actor: 'token/ann (t1)J', method: 'obService/SubmitJob' }],
])('changing %s of an entry breaks the chain there', (_what, changes) => {
  const entries = chain(5);
  const changed = entries.with(2, { ...entries[2]!, ...changes });
  expect(verifyAudit('', changed)).toEqual({ sequence: 3, kind: 'changed' });
});

test('who changes an entry together with its hash is found at the next one', () => {
  const entries = chain(5);
  const forged = entry(3, { outcome: 'CELL_E_FORBIDDEN' });
  const changed = entries.with(2, { ...forged, hash: auditHash(entries[1]!.hash, forged) });
  expect(verifyAudit('', changed)).toEqual({ sequence: 4, kind: 'changed' });
});

test('an entry that is missing, or two that are exchanged, is a gap', () => {
  const entries = chain(5);
  expect(verifyAudit('', entries.toSpliced(2, 1))).toEqual({ sequence: 4, kind: 'gap' });
  expect(verifyAudit('', entries.toSpliced(0, 1))).toEqual({ sequence: 2, kind: 'gap' });
  expect(verifyAudit('', [entries[0]!, entries[2]!, entries[1]!])).toEqual({ sequence: 3, kind: 'gap' });
});

test('a wrong anchor breaks the chain at once', () => {
  const entries = chain(3);
  expect(verifyAudit('0'.repeat(64), entries.slice(1))).toEqual({ sequence: 2, kind: 'changed' });
  expect(verifyAudit('0'.repeat(64), entries)).toEqual({ sequence: 1, kind: 'gap' });
});
