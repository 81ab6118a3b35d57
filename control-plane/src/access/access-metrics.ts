import { Counter, Gauge, type Registry } from 'prom-client';
import type { CellErrorCode } from '../cell-error.ts';

const MS_PER_SECOND = 1_000;

export interface WaitingNotes {
  readonly waiting: number;
  readonly dropped: number;
}

/** Counts who is not let in. */
export interface RefusalCounters {
  /** `code`: of the error that the caller got. */
  refused(code: CellErrorCode): void;
  /** A token or a certificate that is no good, whatever the caller was told then. */
  failed(means: 'token' | 'certificate'): void;
  /** A message of a stream has to wait, since its caller says too much. */
  delayed(): void;
}

/** `oldestMs`: of the audit log's oldest entry, milliseconds since 1970; undefined if there is none. */
export function addAccessMetrics(
  registry: Registry,
  notes: WaitingNotes,
  oldestMs: () => number | undefined,
): RefusalCounters {
  const registers = [registry];
  const refused = new Counter({
    name: 'cell_calls_refused_total',
    help: 'Calls that were not let in, by why.',
    labelNames: ['reason'],
    registers,
  });
  for (const reason of ['unauthenticated', 'forbidden', 'rate_limited']) refused.inc({ reason }, 0);
  const failed = new Counter({
    name: 'cell_authentication_failures_total',
    help: 'Calls that came with a token or a certificate that is no good, by which of both it was.',
    labelNames: ['means'],
    registers,
  });
  for (const means of ['token', 'certificate']) failed.inc({ means }, 0);
  const delayed = new Counter({
    name: 'cell_stream_messages_delayed_total',
    help: 'Messages on streams that had to wait, since their caller said more than its limits allow.',
    registers,
  });
  new Gauge({
    name: 'cell_audit_notes_waiting',
    help: 'Kinds of calls that wait to be written in the audit log.',
    registers,
    collect() {
      this.set(notes.waiting);
    },
  });
  new Gauge({
    name: 'cell_audit_oldest_timestamp_seconds',
    help: 'When the oldest entry of the audit log that is kept was written, since 1970; 0 if there is none.',
    registers,
    collect() {
      this.set((oldestMs() ?? 0) / MS_PER_SECOND);
    },
  });
  new Counter({
    name: 'cell_audit_dropped_total',
    help: "Calls that only this member's own log has, since the audit log could not be written.",
    registers,
    collect() {
      this.reset();
      this.inc(notes.dropped);
    },
  });
  return {
    refused: (code) => refused.inc({ reason: code.replace(/^CELL_E_/, '').toLowerCase() }),
    failed: (means) => failed.inc({ means }),
    delayed: () => delayed.inc(),
  };
}
