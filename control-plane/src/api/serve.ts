/**
 * Typed handlers for grpc-js: a unary handler gives a promise, a streaming one an async iterable; both may throw
 * `CellError`. Here are the limits on calls: how many at once, for how long, and how large.
 */
import type { DescMethodBiDiStreaming, DescMethodServerStreaming, DescMethodUnary } from '@bufbuild/protobuf';
import type { Outgoing, RequestOf } from '@cell/proto';
import type {
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  StatusObject,
  sendUnaryData,
  UntypedHandleCall,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { enteredCall } from '../add-service.ts';
import { CallerCounts, callerKey } from '../caller-counts.ts';
import { CellError } from '../cell-error.ts';
import type { AuditNote } from '../model/identity.ts';
import type { Caller, Clock, EnteredCall } from '../ports.ts';
import { callError } from './call-error.ts';

export interface CallContext {
  /** Aborted once the caller has gone. */
  readonly signal: AbortSignal;
  /** How long an answer is still wanted. */
  readonly timeoutMs: number;
  readonly caller: Caller;
  /** The address of the caller, without its port. */
  readonly from: string;
  /** The call as it was let in: for what is noted of it. */
  readonly entered: EnteredCall;
  /** For the command that carries the call out; see `EnteredCall`. */
  note(subject: string): AuditNote;
}

export type UnaryHandler<M extends DescMethodUnary> = (
  request: RequestOf<M>,
  context: CallContext,
) => Promise<Outgoing<M['output']>> | Outgoing<M['output']>;

export type StreamHandler<M extends DescMethodServerStreaming> = (
  request: RequestOf<M>,
  context: CallContext,
) => AsyncIterable<Outgoing<M['output']>>;

/** The stream ends when the promise settles. */
export type DuplexHandler<M extends DescMethodBiDiStreaming> = (
  call: ServerDuplexStream<RequestOf<M>, Outgoing<M['output']>>,
  context: CallContext,
) => Promise<void>;

const timeoutDefaultMs = 10_000;
const timeoutMaxMs = 60_000;
/** An answer leaves this long before the deadline, so that a coded error arrives rather than a bare time-out. */
const answerMarginMs = 100;
const unaryCallsMax = 2_000;
/** Of one token or node, so that none takes them all by not reading the answers. */
const unaryCallsPerCallerMax = 500;
const streamsMax = 1_000;
/** Of one token, so that none takes them all. */
const streamsPerCallerMax = 250;
/** Calls of one connection at once; grpc's clients keep back what is more. */
const connectionCallsMax = 3_000;

/** For `new Server(...)`: sizes, and how soon a caller that has vanished is noticed. */
export const serverOptions = {
  'grpc.max_receive_message_length': 8 * 1024 * 1024,
  'grpc.max_send_message_length': 64 * 1024 * 1024,
  'grpc.max_concurrent_streams': connectionCallsMax,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // Statistics of each call and stream that nobody reads here.
  'grpc.enable_channelz': 0,
} as const;

export class CallServer {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #running = new Set<RunningStream>();
  #unaryCalls = 0;
  readonly #unaryCallsByCaller = new CallerCounts();
  #streams = 0;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  unary<M extends DescMethodUnary>(method: M, handler: UnaryHandler<M>): UntypedHandleCall {
    const handle = (call: ServerUnaryCall<RequestOf<M>, unknown>, reply: sendUnaryData<unknown>) => {
      const entered = enteredCall(call);
      const key = callerKey(entered.caller) ?? '';
      const refusal = this.#unaryRefusal(key);
      this.#countUnary(key, 1);
      // Counted until the caller has its answer: one that asks and never reads must not fill the memory with answers.
      const ended = () => this.#countUnary(key, -1);
      const caller = new CallerWatch(call, entered, this.#timeoutMs(call.getDeadline()), ended);
      answer(refusal, () => handler(call.request, caller)).then(
        (response) => {
          caller.answered();
          reply(null, response);
        },
        (error: unknown) => {
          caller.answered();
          reply(this.#failed(method.name, error));
        },
      );
    };
    return handle as UntypedHandleCall;
  }

  streaming<M extends DescMethodServerStreaming>(method: M, handler: StreamHandler<M>): UntypedHandleCall {
    const handle = (call: ServerWritableStream<RequestOf<M>, unknown>) => {
      this.#stream(method.name, call, (context) => pipe(handler(call.request, context), call, context.signal));
    };
    return handle as UntypedHandleCall;
  }

  duplex<M extends DescMethodBiDiStreaming>(method: M, handler: DuplexHandler<M>): UntypedHandleCall {
    const handle = (call: ServerDuplexStream<RequestOf<M>, Outgoing<M['output']>>) => {
      this.#stream(method.name, call, (context) => handler(call, context));
    };
    return handle as UntypedHandleCall;
  }

  /** Ends the streams of callers for whom there is a reason. Other calls are over soon. */
  endStreams(reasonOf: (caller: Caller) => CellError | undefined): void {
    for (const { caller, end } of this.#running) {
      const reason = reasonOf(caller);
      if (reason !== undefined) end(reason);
    }
  }

  #stream(name: string, call: StreamCall, work: (context: CallContext) => Promise<void>): void {
    const refusal = this.#streamRefusal(enteredCall(call).caller);
    this.#streams += 1;
    const caller = new CallerWatch(call, enteredCall(call), this.#timeoutMs(call.getDeadline()), () => {
      this.#streams -= 1;
    });
    const end = (reason: CellError) => {
      caller.cut(reason);
      // What it says from now on is read by nobody.
      call.removeAllListeners('data');
      call.emit('error', this.#failed(name, reason));
    };
    const running = { caller: caller.caller, end };
    this.#running.add(running);
    answer(refusal, () => work(caller))
      .then(() => {
        if (!caller.isCut) call.end();
      })
      .catch((error: unknown) => {
        if (!caller.gone && !caller.isCut) call.emit('error', this.#failed(name, error));
      })
      .finally(() => {
        this.#running.delete(running);
        caller.answered();
      });
  }

  #unaryRefusal(key: string): CellError | undefined {
    if (this.#unaryCalls >= unaryCallsMax) return overloaded(unaryCallsMax, 'calls');
    // Those who have no identity are told nothing that would be worth keeping.
    const own = key === '' ? 0 : this.#unaryCallsByCaller.of(key);
    if (own < unaryCallsPerCallerMax) return undefined;
    const message = `This member serves ${own} calls of this caller already; read the answers, or ask another member`;
    return new CellError('CELL_E_OVERLOADED', message);
  }

  #countUnary(key: string, difference: number): void {
    this.#unaryCalls += difference;
    this.#unaryCallsByCaller.add(key, difference);
  }

  #streamRefusal(caller: Caller): CellError | undefined {
    if (this.#streams >= streamsMax) return overloaded(streamsMax, 'streams');
    if (caller.kind !== 'person') return undefined;
    let own = 0;
    for (const { caller: other } of this.#running) {
      if (other.kind === 'person' && other.tokenId === caller.tokenId) own += 1;
    }
    if (own < streamsPerCallerMax) return undefined;
    const message = `This member serves ${own} streams of token "${caller.name}" already; end some, or ask another member`;
    return new CellError('CELL_E_OVERLOADED', message);
  }

  #failed(method: string, error: unknown): StatusObject {
    const ended = callError(error, this.#log);
    this.#log.debug({ method, status: ended.code }, ended.details);
    return ended;
  }

  #timeoutMs(deadline: Date | number): number {
    const untilMs = deadline instanceof Date ? deadline.getTime() : deadline;
    if (!Number.isFinite(untilMs)) return timeoutDefaultMs;
    return Math.min(timeoutMaxMs, Math.max(0, untilMs - this.#clock.wallMs() - answerMarginMs));
  }
}

function overloaded(limit: number, what: string): CellError {
  return new CellError('CELL_E_OVERLOADED', `This member serves ${limit} ${what} already; try again later`);
}

async function answer<T>(refusal: CellError | undefined, handle: () => Promise<T> | T): Promise<T> {
  if (refusal !== undefined) throw refusal;
  return handle();
}

interface RunningStream {
  readonly caller: Caller;
  readonly end: (reason: CellError) => void;
}

/** What all streams that are answered have in common. */
interface StreamCall {
  getDeadline(): Date | number;
  on(event: 'cancelled', listener: () => void): unknown;
  emit(event: 'error', error: StatusObject): boolean;
  removeAllListeners(event: 'data'): unknown;
  end(): void;
}

/** Tells when a caller goes away before it has its answer. Most handlers never ask, so the signal is made for who does. */
class CallerWatch implements CallContext {
  readonly timeoutMs: number;
  readonly entered: EnteredCall;
  #controller: AbortController | undefined;
  #answered = false;
  #gone = false;
  #isCut = false;
  readonly #ended: () => void;

  /** `ended` is called once the call is answered and its connection is rid of it, whichever comes last. */
  constructor(
    call: { on(event: 'cancelled', listener: () => void): unknown },
    entered: EnteredCall,
    timeoutMs: number,
    ended: () => void,
  ) {
    this.entered = entered;
    this.timeoutMs = timeoutMs;
    this.#ended = ended;
    call.on('cancelled', () => {
      // grpc-js says so at the end of every call.
      if (this.#answered) {
        ended();
        return;
      }
      this.#gone = true;
      if (this.#controller !== undefined) this.#abort(this.#controller);
    });
  }

  /** The caller may not be here any more: its handler is told as if it had gone. */
  cut(reason: CellError): void {
    this.#isCut = true;
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  get caller(): Caller {
    return this.entered.caller;
  }

  get from(): string {
    return this.entered.from;
  }

  note(subject: string): AuditNote {
    return this.entered.note(subject);
  }

  get gone(): boolean {
    return this.#gone;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#gone) this.#abort(this.#controller);
    }
    return this.#controller.signal;
  }

  answered(): void {
    this.#answered = true;
    if (this.#gone) this.#ended();
  }

  #abort(controller: AbortController): void {
    controller.abort(new CellError('CELL_E_TIMEOUT', 'The caller has gone'));
  }
}

/** What streams that are written have in common. */
interface WrittenCall {
  write(message: unknown): boolean;
  once(event: 'drain', listener: () => void): unknown;
  off(event: 'drain', listener: () => void): unknown;
}

/** Writes as fast as the reader reads: the iterable is not asked for more while the stream is full. */
export async function pipe(messages: AsyncIterable<unknown>, call: WrittenCall, signal: AbortSignal): Promise<void> {
  for await (const message of messages) {
    if (signal.aborted) return;
    if (!call.write(message)) await drained(call, signal);
  }
}

function drained(call: WrittenCall, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}
