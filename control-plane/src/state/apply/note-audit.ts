import type { CommandResult, NoteAudit } from '../commands.ts';
import { AUDIT_NOTES_MAX } from '../limits.ts';
import { appendAudit } from './append-audit.ts';
import type { Application } from './application.ts';

export function noteAudit(application: Application, { notes }: NoteAudit): CommandResult {
  if (notes.length > AUDIT_NOTES_MAX) {
    const message = `A command notes ${notes.length} calls, and ${AUDIT_NOTES_MAX} are allowed`;
    return application.refuse('CELL_E_LIMIT', message);
  }
  for (const { outcome, count, ...note } of notes) appendAudit(application, note, outcome, count);
  return application.done();
}
