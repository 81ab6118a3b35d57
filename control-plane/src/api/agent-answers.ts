/** Brings together what agents are asked in their sessions and the streams that they open to answer. */
import { randomUUID } from 'node:crypto';
import { CellError, type CellErrorCode } from '../cell-error.ts';
import type { Clock } from '../ports.ts';
import type { AgentSession } from './agent-session.ts';
import type { SessionMessage } from './session-outbox.ts';

export interface AnswerLimits {
  /** What is asked for, such as "output". */
  readonly what: string;
  /** Asked for and under way at once. */
  readonly openMax: number;
}

const answerTimeoutMs = 10_000;
/** A stream says what it answers with its first message; whoever asked would not wait any longer. */
const nameTimeoutMs = 10_000;
/** As agents write refusals: a code of theirs, and a sentence. */
const refusal = /^(CELL_E_[A-Z_]{1,40}): (.+)$/s;

/** Streams of one node that have not said yet what they answer: no more than it can have been asked at once. */
export const namelessMax = 64;

interface Waiting<Answer> {
  /** Who was asked: nobody else may answer. */
  readonly nodeId: string;
  readonly resolve: (answer: Answer) => void;
}

export class AgentAnswers<Answer> {
  readonly #clock: Clock;
  readonly #limits: AnswerLimits;
  readonly #waiting = new Map<string, Waiting<Answer>>();
  /** By the node that has opened them. */
  readonly #nameless = new Map<string, number>();
  #open = 0;

  constructor(clock: Clock, limits: AnswerLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Counts one more until what is given back is called. Throws `CELL_E_OVERLOADED`. */
  enter(): () => void {
    const { what, openMax } = this.#limits;
    if (this.#open >= openMax) {
      throw new CellError('CELL_E_OVERLOADED', `This member passes on ${what} to ${openMax} already; try again later`);
    }
    this.#open += 1;
    return () => {
      this.#open -= 1;
    };
  }

  /** Asks, and waits for the stream. Rejects with `CellError`. */
  async ask(
    session: AgentSession,
    request: (requestId: string) => SessionMessage,
    signal: AbortSignal,
  ): Promise<Answer> {
    const requestId = randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const gone = () => reject(new CellError('CELL_E_TIMEOUT', 'The caller has gone'));
    const cancelTimeout = this.#clock.after(answerTimeoutMs, () => {
      const message = `The agent did not send ${this.#limits.what} within ${answerTimeoutMs / 1_000} s; try again`;
      reject(new CellError('CELL_E_NODE_UNREACHABLE', message));
    });
    this.#waiting.set(requestId, { nodeId: session.nodeId, resolve });
    signal.addEventListener('abort', gone, { once: true });
    try {
      signal.throwIfAborted();
      session.request(request(requestId));
      return await promise;
    } finally {
      this.#waiting.delete(requestId);
      cancelTimeout();
      signal.removeEventListener('abort', gone);
    }
  }

  /** A node has opened a stream; `first` reads which request it answers. Rejects with `CELL_E_OVERLOADED`, `CELL_E_TIMEOUT`. */
  async named<T>(nodeId: string, first: () => Promise<T>): Promise<T> {
    const before = this.#nameless.get(nodeId) ?? 0;
    if (before >= namelessMax) {
      const message = `Node "${nodeId}" has opened ${before} streams for ${this.#limits.what} that name no request`;
      throw new CellError('CELL_E_OVERLOADED', message);
    }
    this.#nameless.set(nodeId, before + 1);
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancelTimeout = this.#clock.after(nameTimeoutMs, () => {
      reject(new CellError('CELL_E_TIMEOUT', `The stream has named no request within ${nameTimeoutMs / 1_000} s`));
    });
    try {
      return await Promise.race([first(), late]);
    } finally {
      cancelTimeout();
      const left = this.#nameless.get(nodeId)! - 1;
      if (left === 0) this.#nameless.delete(nodeId);
      else this.#nameless.set(nodeId, left);
    }
  }

  /**
   * Hands over a stream that a node's agent has opened. Throws `CELL_E_NOT_FOUND` if nobody waits for it any more, or
   * another node was asked.
   */
  arrived(requestId: string, nodeId: string, answer: Answer): void {
    const waiting = this.#waiting.get(requestId);
    if (waiting === undefined || waiting.nodeId !== nodeId) {
      throw new CellError('CELL_E_NOT_FOUND', `Nobody waits for this ${this.#limits.what}`);
    }
    waiting.resolve(answer);
  }
}

/** What an agent answers instead: with its own code, if it gives one. */
export function refusedByAgent(text: string, code: CellErrorCode): CellError {
  const coded = refusal.exec(text);
  return coded === null ? new CellError(code, text) : new CellError(coded[1] as CellErrorCode, coded[2]!);
}
