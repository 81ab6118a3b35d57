import type { AuditNote } from '../model/identity.ts';
import { type RefusalCause, refusalSubject } from '../model/refusal-cause.ts';
import type { Caller, EnteredCall } from '../ports.ts';
import { actorOf } from './actor.ts';
import type { AuditRecorder } from './audit-recorder.ts';
import type { MethodRights } from './method-rights.ts';

export interface AdmittedCallParts {
  readonly caller: Caller;
  readonly from: string;
  /** Service and method. */
  readonly method: string;
  readonly noted: MethodRights['noted'];
  /** See `EnteredCall.confirm`. */
  readonly confirm: EnteredCall['confirm'];
  /** See `EnteredCall.admit`. */
  readonly admit: EnteredCall['admit'];
}

/**
 * What the state machine answers to a command: it has written the command's note then, also if it refused. With every
 * other error the command was not applied, as far as anybody knows.
 */
const APPLIED = new Set([
  'ok',
  'CELL_E_CONFLICT',
  'CELL_E_NOT_FOUND',
  'CELL_E_LIMIT',
  'CELL_E_UNKNOWN_COMMAND',
  'CELL_E_REMOVED',
  'CELL_E_FORBIDDEN',
  'CELL_E_INVALID',
]);

/** A call that was let in, and what is noted of it. */
export class AdmittedCall implements EnteredCall {
  readonly #parts: AdmittedCallParts;
  readonly #recorder: AuditRecorder;
  #subject = '';
  /** A command carries the note. */
  #carried = false;
  #begun = false;

  constructor(parts: AdmittedCallParts, recorder: AuditRecorder) {
    this.#parts = parts;
    this.#recorder = recorder;
  }

  get caller(): Caller {
    return this.#parts.caller;
  }

  get from(): string {
    return this.#parts.from;
  }

  confirm(): void {
    this.#parts.confirm();
  }

  admit(message: unknown, pass: () => void): () => void {
    return this.#parts.admit(message, pass);
  }

  note(subject: string): AuditNote {
    this.#subject = subject;
    this.#carried = true;
    return this.#note();
  }

  begun(subject: string): void {
    this.#subject = subject;
    this.#begun = true;
    this.#recorder.add(this.#note(), 'begun');
  }

  async begunNow(subject: string): Promise<void> {
    this.#subject = subject;
    this.#begun = true;
    await this.#recorder.addNow(this.#note(), 'begun');
  }

  part(): EnteredCall {
    return new AdmittedCall(this.#parts, this.#recorder);
  }

  ended(outcome: string, refusal?: RefusalCause): void {
    const { noted } = this.#parts;
    if (noted === 'never') return;
    if (this.#subject === '') this.#subject = refusalSubject(refusal);
    if (this.#carried && APPLIED.has(outcome)) this.#recorder.log(this.#note(), outcome);
    else if (noted === 'always' || this.#carried || this.#begun || outcome !== 'ok') {
      // What nothing was changed by can be asked for without end.
      const idle = !this.#carried && !this.#begun;
      this.#recorder.add(this.#note(), outcome, idle);
    }
  }

  #note(): AuditNote {
    const { caller, method, from } = this.#parts;
    return { actor: actorOf(caller), method, subject: this.#subject, from };
  }
}
