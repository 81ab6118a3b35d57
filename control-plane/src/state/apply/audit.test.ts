import { verifyAudit } from '@cell/identity/audit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { restoreTables } from '../format/restore-tables.ts';
import { captureTables } from '../format/snapshot.ts';
import { AUDIT_MAX, AUDIT_NOTES_MAX, AUDIT_TEXT_MAX } from '../limits.ts';
import { historyArbitrary, TestFleet } from '../testing/fleet-arbitraries.ts';
import { exampleNote } from '../testing/identity-arbitraries.ts';

const stop = (fleet: TestFleet, audit = exampleNote()) => fleet.apply({ kind: 'stop-job', name: 'web', audit });
const verified = ({ tables }: TestFleet) => verifyAudit(tables.auditAnchor, tables.audit);

test('who asked for a change is written with what came of it', () => {
  const fleet = new TestFleet();
  stop(fleet);
  fleet.submit();
  stop(fleet);
  const entry = { ...exampleNote(), count: 1 };
  expect(fleet.tables.audit).toMatchObject([
    { ...entry, sequence: 1, index: 1, timeMs: 1_001_000, outcome: 'CELL_E_NOT_FOUND' },
    { ...entry, sequence: 2, index: 3, timeMs: 1_003_000, outcome: 'ok' },
  ]);
  expect(verified(fleet)).toBeUndefined();
});

test('calls that changed nothing are noted, several of a kind as one', () => {
  const fleet = new TestFleet();
  const notes = [
    { ...exampleNote(), outcome: 'CELL_E_FORBIDDEN', count: 7 },
    { ...exampleNote({ actor: 'nobody' }), outcome: 'CELL_E_UNAUTHENTICATED', count: 1 },
  ];
  expect(fleet.apply({ kind: 'note-audit', notes })).toMatchObject({ ok: true });
  expect(fleet.tables.audit).toMatchObject([
    { ...notes[0], sequence: 1 },
    { ...notes[1], sequence: 2 },
  ]);
  const many = Array.from({ length: AUDIT_NOTES_MAX + 1 }, () => ({ ...exampleNote(), outcome: 'ok', count: 1 }));
  expect(fleet.apply({ kind: 'note-audit', notes: many })).toMatchObject({ ok: false, code: 'CELL_E_LIMIT' });
  expect(fleet.tables.audit).toHaveLength(2);
});

test('what callers say is cut to its limit, and is text that any message can carry', () => {
  const fleet = new TestFleet();
  stop(fleet, exampleNote({ subject: `job/\ud800${'x'.repeat(1_000)}` }));
  const subject = fleet.tables.audit[0]?.subject ?? '';
  expect(subject).toHaveLength(AUDIT_TEXT_MAX);
  expect(subject.isWellFormed()).toBe(true);
});

test('the oldest entries go beyond the limit, and the rest can still be verified, also after a restore', async () => {
  const fleet = new TestFleet();
  for (let asked = 0; asked < AUDIT_MAX + 3; asked += 1) stop(fleet);
  expect(fleet.tables.audit).toHaveLength(AUDIT_MAX);
  expect(fleet.tables.audit[0]?.sequence).toBe(4);
  expect(verified(fleet)).toBeUndefined();
  const restored = new TestFleet(await restoreTables(captureTables(fleet.tables)));
  expect(restored.tables.auditAnchor).toBe(fleet.tables.auditAnchor);
  stop(restored);
  expect(verified(restored)).toBeUndefined();
  expect(restored.tables.audit.at(-1)?.sequence).toBe(AUDIT_MAX + 4);
});

test('after any history the chain holds, and each audited command has one entry', () => {
  fc.assert(
    fc.property(historyArbitrary, (history) => {
      const fleet = new TestFleet();
      for (const command of history) {
        const before = fleet.tables.audit.length;
        const { result } = fleet.applied(command);
        const noted = command.kind === 'note-audit' ? command.notes.length : 0;
        expect(fleet.tables.audit.length - before).toBe(noted + (command.audit === undefined ? 0 : 1));
        if (command.audit === undefined) continue;
        expect(fleet.tables.audit.at(-1)?.outcome).toBe(result.ok ? 'ok' : result.code);
      }
      expect(verified(fleet)).toBeUndefined();
    }),
    { numRuns: 40 },
  );
});
