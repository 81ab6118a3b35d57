/**
 * Many changes over one stream: for programs that write much. What is submitted in one turn of the event loop leaves in
 * one message; answers come in any order. A stream stays with its member: when it breaks, open another.
 */
import { create, type MessageInitShape, type MessageShape, toBinary } from '@bufbuild/protobuf';
import {
  type CommandOutcome,
  CommandService,
  methodDefinition,
  type StopJobRequestSchema,
  type StopJobResponseSchema,
  type SubmitCommandsRequestSchema,
  type SubmitCommandsResponse,
  SubmitJobRequestSchema,
  type SubmitJobResponseSchema,
  type SubmittedCommandSchema,
  type WriteMarkRequestSchema,
  type WriteMarkResponseSchema,
} from '@cell/proto';
import type { Client, ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { CellApiError, toCellApiError } from './cell-api-error.ts';

/** Methods reject with `CellApiError`; CELL_E_OUTCOME_UNKNOWN says that the stream broke before the answer came. */
export interface CommandStream {
  /** The member that it goes to. */
  readonly address: string;
  submitJob(
    request: MessageInitShape<typeof SubmitJobRequestSchema>,
  ): Promise<MessageShape<typeof SubmitJobResponseSchema>>;
  stopJob(request: MessageInitShape<typeof StopJobRequestSchema>): Promise<MessageShape<typeof StopJobResponseSchema>>;
  writeMark(
    request: MessageInitShape<typeof WriteMarkRequestSchema>,
  ): Promise<MessageShape<typeof WriteMarkResponseSchema>>;
  /** Takes no more; resolves once all is answered. */
  close(): Promise<void>;
}

type Command = NonNullable<MessageInitShape<typeof SubmittedCommandSchema>['command']>;
type Call = ClientDuplexStream<MessageInitShape<typeof SubmitCommandsRequestSchema>, SubmitCommandsResponse>;

interface Submission {
  readonly id: bigint;
  readonly command: Command;
  readonly bytes: number;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

/** Commands on their way: as many as a member takes from one stream. Also those of one message. */
const UNANSWERED_MAX = 1_024;
/** Of one message: a member takes no large ones. No command may have more either. */
const MESSAGE_BYTES_MAX = 2 * 1024 * 1024;
/** Commands that wait here for room. */
const WAITING_MAX = 100_000;

/** On a connection that stands: what is written into one that fails may vanish. */
export function openCommandStream(client: Client, address: string, metadata: Metadata): CommandStream {
  return new OpenCommandStream(client, address, metadata);
}

class OpenCommandStream implements CommandStream {
  readonly address: string;
  readonly #call: Call;
  readonly #closed = Promise.withResolvers<void>();
  readonly #unanswered = new Map<bigint, Submission>();
  #waiting: Submission[] = [];
  #submitted = 0n;
  #flushDue = false;
  #closing = false;
  #failure: CellApiError | undefined;

  constructor(client: Client, address: string, metadata: Metadata) {
    this.address = address;
    const method = methodDefinition(CommandService.method.submitCommands);
    this.#call = client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      metadata,
    );
    this.#call.on('data', ({ outcomes }: SubmitCommandsResponse) => this.#answered(outcomes));
    this.#call.on('drain', () => this.#flush());
    this.#call.on('error', (error) => this.#broke(toCellApiError(error, address)));
    this.#call.on('end', () => this.#broke(new Error(`Member at "${address}" ended the stream`)));
  }

  submitJob(value: MessageInitShape<typeof SubmitJobRequestSchema>) {
    return this.#submit<MessageShape<typeof SubmitJobResponseSchema>>({ case: 'submitJob', value });
  }

  stopJob(value: MessageInitShape<typeof StopJobRequestSchema>) {
    return this.#submit<MessageShape<typeof StopJobResponseSchema>>({ case: 'stopJob', value });
  }

  writeMark(value: MessageInitShape<typeof WriteMarkRequestSchema>) {
    return this.#submit<MessageShape<typeof WriteMarkResponseSchema>>({ case: 'writeMark', value });
  }

  close(): Promise<void> {
    this.#closing = true;
    this.#endIfDone();
    return this.#closed.promise;
  }

  #submit<Response>(command: Command): Promise<Response> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closing) {
      return Promise.reject(
        new CellApiError('CELL_E_INVALID', 'The stream of commands is closed; open another', false),
      );
    }
    if (this.#waiting.length >= WAITING_MAX) {
      const message = `Already ${WAITING_MAX} commands wait to be sent; wait for answers before submitting more`;
      return Promise.reject(new CellApiError('CELL_E_OVERLOADED', message, false));
    }
    return new Promise((resolve, reject) => {
      const bytes = bytesOf(command);
      this.#submitted += 1n;
      this.#waiting.push({ id: this.#submitted, command, bytes, resolve, reject });
      this.#flushSoon();
    });
  }

  #flushSoon(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    setImmediate(() => {
      this.#flushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#failure === undefined && this.#waiting.length > 0) {
      const room = UNANSWERED_MAX - this.#unanswered.size;
      if (room <= 0) return;
      const leaving = this.#waiting.splice(0, fittingOneMessage(this.#waiting.slice(0, room)));
      for (const submission of leaving) this.#unanswered.set(submission.id, submission);
      this.#call.write({ commands: leaving.map(({ id, command }) => ({ id, command })) });
    }
  }

  #answered(outcomes: readonly CommandOutcome[]): void {
    for (const { id, outcome } of outcomes) {
      const submission = this.#unanswered.get(id);
      this.#unanswered.delete(id);
      if (outcome.case === 'refusal') {
        submission?.reject(new CellApiError(outcome.value.code, outcome.value.message, true));
      } else submission?.resolve(outcome.value as never);
    }
    if (this.#waiting.length > 0) this.#flushSoon();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.#closing || this.#failure !== undefined) return;
    if (this.#unanswered.size === 0 && this.#waiting.length === 0) this.#call.end();
  }

  /** Nobody knows what became of what was sent; what was not may be sent elsewhere. */
  #broke(cause: Error): void {
    this.#closed.resolve();
    if (this.#failure !== undefined) return;
    const message = `The stream of commands to "${this.address}" broke: ${cause.message}`;
    this.#failure = new CellApiError('CELL_E_CONNECTION_LOST', message, false, { cause });
    const unknown = `${message}. The change may or may not have been written`;
    const sent = [...this.#unanswered.values()];
    const unsent = this.#waiting;
    this.#unanswered.clear();
    this.#waiting = [];
    for (const { reject } of sent) reject(new CellApiError('CELL_E_OUTCOME_UNKNOWN', unknown, true, { cause }));
    for (const { reject } of unsent) reject(this.#failure);
  }
}

/** Of a command that may be large; throws if it is too large. The others count as nothing. */
function bytesOf(command: Command): number {
  if (command.case !== 'submitJob') return 0;
  const bytes = toBinary(SubmitJobRequestSchema, create(SubmitJobRequestSchema, command.value)).length;
  if (bytes <= MESSAGE_BYTES_MAX) return bytes;
  const message = `A job of ${bytes} bytes is above the limit of ${MESSAGE_BYTES_MAX}; make it smaller`;
  throw new CellApiError('CELL_E_LIMIT', message, false);
}

/** How many of the first ones, one at least. */
function fittingOneMessage(waiting: readonly Submission[]): number {
  let bytes = 0;
  const tooMany = waiting.findIndex((submission) => {
    bytes += submission.bytes;
    return bytes > MESSAGE_BYTES_MAX;
  });
  return tooMany === -1 ? waiting.length : Math.max(1, tooMany);
}
