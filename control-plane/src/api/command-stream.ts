import type { CommandOutcomeSchema, Outgoing, SubmitCommandsRequest, SubmittedCommand } from '@cell/proto';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import { callError } from './call-error.ts';

type Outcome = Outgoing<typeof CommandOutcomeSchema>;

/** A command was carried out. */
export type Answered = NonNullable<Outcome['outcome']>;

/** What the stream uses of the call. */
export type CommandCall = Pick<
  ServerDuplexStream<SubmitCommandsRequest, { readonly outcomes: Outcome[] }>,
  'on' | 'pause' | 'resume' | 'write'
>;

export interface CommandStreamParts {
  /** May reject with a `CellError`, which becomes the command's refusal. */
  readonly carryOut: (command: SubmittedCommand) => Promise<Answered>;
  readonly log: Logger;
}

/** Commands in one message. */
const commandsMax = 1_024;
/** Commands of one stream without an answer; with so many, it is not read any further. */
export const unansweredMax = 1_024;

/** One stream of commands: answers are gathered while others come in, so that many leave in one message. */
export class CommandStream {
  readonly #call: CommandCall;
  readonly #parts: CommandStreamParts;
  readonly #end = Promise.withResolvers<void>();
  #outcomes: Outcome[] = [];
  #unanswered = 0;
  #full = false;
  #allCame = false;

  constructor(call: CommandCall, parts: CommandStreamParts) {
    this.#call = call;
    this.#parts = parts;
    call.on('data', (request: SubmitCommandsRequest) => this.#take(request));
    call.on('drain', () => {
      this.#full = false;
      this.#readOn();
    });
    call.on('end', () => {
      this.#allCame = true;
      this.#endIfAnswered();
    });
    // Whatever breaks it off: what was begun goes on, and nobody hears of it.
    call.on('close', () => this.#end.resolve());
  }

  /** Settles when the caller has said all and heard all. Rejects with a `CellError` if it breaks the rules. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  #take({ commands }: SubmitCommandsRequest): void {
    if (commands.length > commandsMax) {
      const message = `A message has ${commands.length} commands; at most ${commandsMax} may come at once`;
      this.#end.reject(new CellError('CELL_E_LIMIT', message));
      this.#call.pause();
      return;
    }
    this.#unanswered += commands.length;
    if (this.#unanswered >= unansweredMax) this.#call.pause();
    for (const command of commands) {
      this.#parts.carryOut(command).then(
        (outcome) => this.#answer({ id: command.id, outcome }),
        (error: unknown) => this.#answer({ id: command.id, outcome: this.#refusal(error) }),
      );
    }
  }

  #answer(outcome: Outcome): void {
    this.#outcomes.push(outcome);
    // Commands that were committed together are answered together: this runs behind all their promises.
    if (this.#outcomes.length === 1) queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    this.#unanswered -= outcomes.length;
    this.#full = !this.#call.write({ outcomes });
    this.#readOn();
    this.#endIfAnswered();
  }

  /** A caller that doesn't take its answers may not add to them. */
  #readOn(): void {
    if (this.#full) this.#call.pause();
    else if (this.#unanswered < unansweredMax) this.#call.resume();
  }

  #endIfAnswered(): void {
    if (this.#allCame && this.#unanswered === 0) this.#end.resolve();
  }

  #refusal(error: unknown): Answered {
    const known = error instanceof CellError ? error : undefined;
    const message = known?.message ?? callError(error, this.#parts.log).details;
    return { case: 'refusal', value: { code: known?.code ?? 'CELL_E_INTERNAL', message } };
  }
}
