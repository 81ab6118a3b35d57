import { CallerCounts, callerKey } from './caller-counts.ts';
import { CellError } from './cell-error.ts';
import type { Caller, EnteredCall } from './ports.ts';
import { StreamIntake } from './stream-intake.ts';

/** What is used of the stream that brings a request. */
export interface RequestStream {
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  off(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  once(event: 'end' | 'close', listener: () => void): unknown;
}

/** A call that was let in. */
type Watched = Pick<EnteredCall, 'caller' | 'ended'>;

export interface IntakeLimits {
  /** Of one request of somebody who proves nothing by its headers: it has a token and a key. */
  readonly strangerBytesMax: number;
  /** From its headers until all of it is there; of a stream, each message from its first byte. */
  readonly requestMsMax: number;
  /** Of all requests and messages of one caller that are not complete or not taken; all strangers are one. */
  readonly unfinishedBytesMax: number;
}

const LIMITS: IntakeLimits = {
  strangerBytesMax: 16 * 1024,
  requestMsMax: 30_000,
  unfinishedBytesMax: 64 * 1024 * 1024,
};

/** What requests take of memory until they are complete: others than members could leave very many unfinished. */
export class RequestIntake {
  readonly #limits: IntakeLimits;
  readonly #room = new CallerCounts();

  constructor(limits: IntakeLimits = LIMITS) {
    this.#limits = limits;
  }

  /** Callers of whom something is kept. */
  get size(): number {
    return this.#room.size;
  }

  /**
   * A stream of messages, for as long as it is there. Tells `refuse` once at most why it takes too much: with
   * `CELL_E_LIMIT` or `CELL_E_TIMEOUT`. Undefined for members.
   */
  follow(
    stream: RequestStream,
    { caller }: Pick<Watched, 'caller'>,
    refuse: (error: CellError) => void,
  ): StreamIntake | undefined {
    const key = roomKey(caller);
    if (key === undefined) return undefined;
    const { requestMsMax, unfinishedBytesMax } = this.#limits;
    const limits = { messageMsMax: requestMsMax, untakenBytesMax: unfinishedBytesMax };
    const intake = new StreamIntake(this.#room, key, limits, refuse);
    stream.on('data', (chunk) => intake.take(chunk));
    stream.once('close', () => intake.closed());
    return intake;
  }

  /** Until all of the request is there. Tells the call how it ended, and `refuse` why, if it takes too much: with `CELL_E_LIMIT` or `CELL_E_TIMEOUT`. */
  watch(stream: RequestStream, entered: Watched, refuse: (error: CellError) => void): void {
    const { caller } = entered;
    const key = roomKey(caller);
    if (key === undefined) return;
    const { strangerBytesMax, requestMsMax, unfinishedBytesMax } = this.#limits;
    let bytes = 0;
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      stream.off('data', take);
      this.#room.add(key, -bytes);
    };
    const fail = (code: 'CELL_E_LIMIT' | 'CELL_E_TIMEOUT', message: string) => {
      end();
      entered.ended(code);
      refuse(new CellError(code, message));
    };
    const timer = setTimeout(() => {
      fail('CELL_E_TIMEOUT', `The request was not complete after ${requestMsMax / 1_000} s`);
    }, requestMsMax);
    const take = ({ length }: Uint8Array) => {
      bytes += length;
      const all = this.#room.add(key, length);
      if (caller.kind === 'nobody' && bytes > strangerBytesMax) {
        fail(
          'CELL_E_LIMIT',
          `The request has more than the ${strangerBytesMax} bytes that one without an identity may`,
        );
      } else if (all > unfinishedBytesMax) {
        fail('CELL_E_LIMIT', `Requests with ${all} bytes came from here that are not complete; send them one by one`);
      }
    };
    stream.on('data', take);
    stream.once('end', end);
    stream.once('close', end);
  }
}

/** Undefined for members: what they say to each other is the cluster's own doing. All strangers are one. */
function roomKey(caller: Caller): string | undefined {
  return caller.kind === 'member' ? undefined : (callerKey(caller) ?? 'strangers');
}
