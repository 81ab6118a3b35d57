import type { AllocationReport } from '../execute/allocation-manager.ts';
import type { Clock, Log, Random } from '../ports.ts';
import { MemberChoice } from './member-choice.ts';
import { isLasting, retryDelayMs } from './retry-delay.ts';
import { Session, type SessionHandler } from './session.ts';

export interface SessionLinkOptions {
  /** "host:port" of members, from the configuration. */
  readonly addresses: readonly string[];
  readonly handler: SessionHandler;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Keeps a session with the control plane, whichever member it is with. */
export class SessionLink {
  readonly #options: SessionLinkOptions;
  readonly #members: MemberChoice;
  #session: Session | undefined;
  #sessions = 0;
  #failuresInRow = 0;
  #cancelRetry: () => void = () => undefined;
  #lastProblem = 'No session has begun yet';
  #closed = false;

  constructor(options: SessionLinkOptions) {
    this.#options = options;
    this.#members = new MemberChoice(options.addresses, options.random);
  }

  start(): void {
    this.#connect();
  }

  get connected(): boolean {
    return this.#session?.welcomed === true;
  }

  /** The member that the session is with; empty without one. */
  get member(): string {
    return this.connected ? this.#session!.address : '';
  }

  /** Sessions in which a member took us in. */
  get sessionsTotal(): number {
    return this.#sessions;
  }

  /** Why there is no session: a sentence. */
  get problem(): string {
    return this.#lastProblem;
  }

  /** A change that waits while there is no session is not lost: Hello says everything. */
  report(report: AllocationReport): void {
    this.#session?.report(report);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry();
    this.#session?.end('CLOSED', 'The agent ends');
    await this.#session?.ended;
  }

  #connect(): void {
    if (this.#closed) return;
    const { handler, clock, log } = this.#options;
    const address = this.#members.next(this.#session?.address);
    const session = new Session(
      address,
      {
        ...handler,
        introduction: () => handler.introduction(),
        welcomed: (welcome) => {
          this.#sessions += 1;
          this.#members.learn(welcome.controlPlaneAddresses);
          log.info({ member: address }, 'Connected to the control plane');
          handler.welcomed(welcome);
        },
        confirmed: (sentAtMs, leaseMs) => {
          this.#failuresInRow = 0;
          handler.confirmed(sentAtMs, leaseMs);
        },
      },
      clock,
    );
    this.#session = session;
    void session.ended.then((end) => {
      if (this.#closed) return;
      this.#lastProblem = `The last session, with "${address}", ended: ${end.message}`;
      const delayMs = retryDelayMs(end, this.#failuresInRow, this.#options.random);
      const level = isLasting(end) ? 'error' : 'warn';
      log[level]({ member: address, code: end.code, retryMs: Math.round(delayMs) }, this.#lastProblem);
      this.#failuresInRow += 1;
      this.#cancelRetry = clock.after(delayMs, () => this.#connect());
    });
  }
}
