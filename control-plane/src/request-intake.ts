import { CellError } from './cell-error.ts';
import type { EnteredCall } from './ports.ts';

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
  /** From its headers until all of it is there. */
  readonly requestMsMax: number;
  /** Of all requests of one caller that are not complete; all strangers are one. */
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
  /** Bytes of requests that are not complete, by caller. */
  readonly #unfinished = new Map<string, number>();

  constructor(limits: IntakeLimits = LIMITS) {
    this.#limits = limits;
  }

  /** Callers of whom something is kept. */
  get size(): number {
    return this.#unfinished.size;
  }

  /** Until all of the request is there. Tells the call how it ended, and `refuse` why, if it takes too much: with `CELL_E_LIMIT` or `CELL_E_TIMEOUT`. */
  watch(stream: RequestStream, entered: Watched, refuse: (error: CellError) => void): void {
    const { caller } = entered;
    if (caller.kind === 'member') return;
    const { strangerBytesMax, requestMsMax, unfinishedBytesMax } = this.#limits;
    const key = caller.kind === 'person' ? caller.tokenId : caller.kind === 'node' ? `node ${caller.id}` : 'strangers';
    let bytes = 0;
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      stream.off('data', take);
      this.#add(key, -bytes);
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
      const all = this.#add(key, length);
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

  #add(key: string, bytes: number): number {
    const all = (this.#unfinished.get(key) ?? 0) + bytes;
    if (all === 0) this.#unfinished.delete(key);
    else this.#unfinished.set(key, all);
    return all;
  }
}
