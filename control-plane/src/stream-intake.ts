import type { CallerCounts } from './caller-counts.ts';
import { CellError } from './cell-error.ts';

export interface StreamLimits {
  /** From the first byte of a message until all of it is there, while it is read. */
  readonly messageMsMax: number;
  /** Of all that one caller has said and nobody has taken yet. */
  readonly untakenBytesMax: number;
}

/** A message that waits takes so much besides its bytes: an empty one was measured to take 270. */
const MESSAGE_ROOM_BYTES = 512;
/** As gRPC frames each message: whether it is compressed, and its length in 4 bytes. */
const HEADER_BYTES = 5;

/**
 * What one stream of requests keeps in memory: the message that is not complete, and those that are and that the handler
 * has not taken, be it that it is slow, or that the caller may not say more yet. To be told of all that is read, in order.
 */
export class StreamIntake {
  readonly #room: CallerCounts;
  readonly #key: string;
  readonly #limits: StreamLimits;
  readonly #fail: (error: CellError) => void;
  #headerBytes = 0;
  /** Of the message that comes: its length, as far as it is there. */
  #length = 0;
  #missingBytes = 0;
  /** Kept of the message that is not complete, and of those that are. */
  #partBytes = 0;
  #wholeBytes = 0;
  /** Complete messages that the handler has not asked for. */
  #waiting = 0;
  /** The handler waits for a message, and nothing but the caller is slow. */
  #wanted = false;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  /** `fail` is called once at most: what comes then is not kept, but what is kept stays until `closed`. */
  constructor(room: CallerCounts, key: string, limits: StreamLimits, fail: (error: CellError) => void) {
    this.#room = room;
    this.#key = key;
    this.#limits = limits;
    this.#fail = fail;
  }

  /** Bytes came. */
  take(chunk: Uint8Array): void {
    if (this.#over) return;
    const before = this.#partBytes + this.#wholeBytes;
    const whole = this.#split(chunk);
    if (whole > 0) {
      this.#waiting += this.#wanted ? whole - 1 : whole;
      this.#wanted = false;
    }
    this.#watchPart();
    const all = this.#room.add(this.#key, this.#partBytes + this.#wholeBytes - before);
    if (all <= this.#limits.untakenBytesMax) return;
    const message = `The streams from here wait with ${all} bytes that are not complete or not taken; say less at once`;
    this.#end(new CellError('CELL_E_LIMIT', message));
  }

  /** The handler asks for a message: it has taken those before. */
  asked(): void {
    if (this.#waiting > 0) {
      this.#waiting -= 1;
      return;
    }
    this.#wanted = true;
    if (this.#wholeBytes > 0) this.#room.add(this.#key, -this.#wholeBytes);
    this.#wholeBytes = 0;
    this.#watchPart();
  }

  /** The call has its status, and nothing more is read. True: the stream must be closed, or it keeps half a message. */
  answered(): boolean {
    this.#over = true;
    clearTimeout(this.#timer);
    if (this.#wholeBytes > 0) this.#room.add(this.#key, -this.#wholeBytes);
    this.#wholeBytes = 0;
    return this.#partBytes > 0;
  }

  closed(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    const bytes = this.#partBytes + this.#wholeBytes;
    if (bytes > 0) this.#room.add(this.#key, -bytes);
    this.#partBytes = 0;
    this.#wholeBytes = 0;
  }

  /** Gives how many messages are complete by these bytes. */
  #split(chunk: Uint8Array): number {
    let whole = 0;
    for (let at = 0; at < chunk.length; ) {
      if (this.#headerBytes < HEADER_BYTES) {
        // The first byte is no part of the length, and is shifted out by the other four.
        this.#length = ((this.#length << 8) | chunk[at]!) >>> 0;
        this.#headerBytes += 1;
        at += 1;
        if (this.#headerBytes === HEADER_BYTES) this.#missingBytes = this.#length;
      } else {
        const more = Math.min(this.#missingBytes, chunk.length - at);
        this.#missingBytes -= more;
        this.#partBytes += more;
        at += more;
      }
      if (this.#headerBytes < HEADER_BYTES || this.#missingBytes > 0) continue;
      whole += 1;
      this.#wholeBytes += this.#partBytes + MESSAGE_ROOM_BYTES;
      this.#partBytes = 0;
      this.#headerBytes = 0;
    }
    return whole;
  }

  /** While it is the handler that is slow, the rest of a message is not read, and its time does not go on. */
  #watchPart(): void {
    const comes = this.#wanted && this.#headerBytes > 0;
    if (this.#timer !== undefined && !comes) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
    if (!comes || this.#timer !== undefined) return;
    const { messageMsMax } = this.#limits;
    const message = `A message of the stream was not complete after ${messageMsMax / 1_000} s`;
    this.#timer = setTimeout(() => this.#end(new CellError('CELL_E_TIMEOUT', message)), messageMsMax);
  }

  #end(error: CellError): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#fail(error);
  }
}
