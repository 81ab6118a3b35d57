import type { Logger } from 'pino';

/** The same is said again after so long. */
const QUIET_MS = 1000;
/** Lines in that time, whatever they are about: who comes from many addresses must not fill the disk with words. */
const LINES_MAX = 20;

export interface Refusal {
  /** Of the error, or what else one can search for. */
  readonly code: string;
  readonly address: string;
  readonly reason: string;
  readonly message: string;
}

/** Says who was refused: once a second for each address and reason, with how many there were. */
export class RefusalLog {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  /** Refused since it was said last, by address and reason. */
  readonly #quiet = new Map<string, number>();
  #untold = 0;
  #sinceMs: number;

  /** `nowMs`: monotonic. */
  constructor(log: Logger, nowMs: () => number) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#sinceMs = nowMs();
  }

  note({ code, address, reason, message }: Refusal): void {
    this.sweep();
    const key = `${reason} ${address}`;
    const quiet = this.#quiet.get(key);
    if (quiet !== undefined) {
      this.#quiet.set(key, quiet + 1);
    } else if (this.#quiet.size >= LINES_MAX) {
      this.#untold += 1;
    } else {
      this.#quiet.set(key, 0);
      this.#log.warn({ code, address, reason }, message);
    }
  }

  /** Tells how many were not told of one by one. */
  sweep(): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#sinceMs < QUIET_MS) return;
    this.#sinceMs = nowMs;
    let count = this.#untold;
    for (const quiet of this.#quiet.values()) count += quiet;
    this.#quiet.clear();
    this.#untold = 0;
    if (count > 0) this.#log.warn({ count }, `Refused ${count} more connections that were not told of one by one`);
  }
}
