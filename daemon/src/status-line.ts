import type { ServiceManager } from './service-manager.ts';

/** Also the least time between two of them. */
const PERIOD_MS = 1_000;
const READY_PERIOD_MS = 50;

/** How a daemon is. */
export interface Standing {
  /** Whether it does its work, so that what waits for it can start; asked for until it is true for the first time. */
  readonly ready: boolean;
  /** For people: a clause such as "Leader; 12 agents". */
  readonly text: string;
}

/** Keeps what `systemctl status` shows of a daemon current, and says once that it is ready. */
export class StatusLine {
  readonly #manager: ServiceManager;
  readonly #standing: () => Standing;
  #remark = '';
  #said = '';
  #saidAtMs = Number.NEGATIVE_INFINITY;
  #ready = false;
  #timer: NodeJS.Timeout;

  constructor(manager: ServiceManager, standing: () => Standing) {
    this.#manager = manager;
    this.#standing = standing;
    this.#timer = setInterval(() => this.look(), READY_PERIOD_MS).unref();
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** What people should know besides; until the next one. */
  remark(text: string): void {
    this.#remark = text;
    this.#saidAtMs = Number.NEGATIVE_INFINITY;
    this.look();
  }

  look(): void {
    const { ready, text } = this.#standing();
    const said = this.#remark === '' ? text : `${text}. ${this.#remark}`;
    if (ready && !this.#ready) {
      this.#ready = true;
      clearInterval(this.#timer);
      this.#timer = setInterval(() => this.look(), PERIOD_MS).unref();
      this.#note(said);
      this.#manager.notify('READY=1', `STATUS=${said}`);
    } else if (said !== this.#said && performance.now() - this.#saidAtMs >= PERIOD_MS) {
      this.#note(said);
      this.#manager.notify(`STATUS=${said}`);
    }
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #note(said: string): void {
    this.#said = said;
    this.#saidAtMs = performance.now();
  }
}
