import { auditHash } from '@cell/identity/audit';
import type { AuditNote } from '../../model/identity.ts';
import { AUDIT_TEXT_MAX } from '../limits.ts';
import type { Application } from './application.ts';

/** Writes an entry behind the last one. `outcome`: "ok", or the code of the error; `count`: how many calls it stands for. */
export function appendAudit(application: Application, note: AuditNote, outcome: string, count: number): void {
  const { tables, index, timeMs } = application;
  const before = tables.audit.at(-1);
  const entry = {
    sequence: (before?.sequence ?? 0) + 1,
    timeMs,
    index,
    actor: cut(note.actor),
    method: cut(note.method),
    subject: cut(note.subject),
    from: cut(note.from),
    outcome: cut(outcome),
    count,
  };
  tables.identity.appendAudit({ ...entry, hash: auditHash(before?.hash ?? '', entry) });
}

/** Also makes text that is no Unicode into some, since it would not come out of a message as it went in. */
function cut(text: string): string {
  return text.slice(0, AUDIT_TEXT_MAX).toWellFormed();
}
