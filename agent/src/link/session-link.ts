import { explainedSkew } from '@cell/identity';
import type { Client } from '@grpc/grpc-js';
import type { AllocationReport } from '../execute/allocation-manager.ts';
import type { Clock, LinkSecurity, Log, Random } from '../ports.ts';
import { MemberChoice } from './member-choice.ts';
import { memberClient } from './member-client.ts';
import { isLasting, retryDelayMs } from './retry-delay.ts';
import { Session, type SessionEnd, type SessionHandler } from './session.ts';

export interface SessionLinkOptions {
  /** "host:port" of members, from the configuration. */
  readonly addresses: readonly string[];
  readonly handler: SessionHandler;
  readonly security: LinkSecurity;
  /** Streams beside the session that would break off with it. */
  readonly streams?: () => number;
  /** A member does not take the certificate of this node, or is not trusted by what came with it. */
  readonly onUnauthenticated?: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const REDIAL_LOOK_PERIOD_MS = 5_000;
/** Codes of ends that another certificate may help against. */
const SHUT_OUT: ReadonlySet<string> = new Set(['CELL_E_UNAUTHENTICATED', 'CELL_E_UNTRUSTED']);
/** How a session ends that we end to begin another one. */
const REDIALLED = 'REDIALLED';

/** Keeps a session with the control plane, whichever member it is with. */
export class SessionLink {
  readonly #options: SessionLinkOptions;
  readonly #members: MemberChoice;
  #session: Session | undefined;
  #sessions = 0;
  #failuresInRow = 0;
  #cancelRetry: () => void = () => undefined;
  #cancelRedial: () => void = () => undefined;
  #lastProblem = 'No session has begun yet';
  #closed = false;

  constructor(options: SessionLinkOptions) {
    this.#options = options;
    this.#members = new MemberChoice(options.addresses, options.random);
  }

  start(): void {
    this.#connect();
  }

  /** "host:port" of all members that are known, the configured ones too. */
  get addresses(): readonly string[] {
    return this.#members.addresses;
  }

  /** For further calls to the member that the session is with; undefined without one. */
  get client(): Client | undefined {
    return this.connected ? this.#session?.client : undefined;
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

  /**
   * Goes over to a new connection, since there are other credentials: at once, but waits up to `waitMsMax` while there are
   * streams that would break off.
   */
  redial(waitMsMax: number): void {
    this.#cancelRedial();
    if ((this.#options.streams?.() ?? 0) === 0 || waitMsMax <= 0) {
      this.#session?.end(REDIALLED, 'The agent goes over to its new certificate');
      return;
    }
    const waitMs = Math.min(REDIAL_LOOK_PERIOD_MS, waitMsMax);
    this.#cancelRedial = this.#options.clock.after(waitMs, () => this.redial(waitMsMax - waitMs));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRedial();
    this.#cancelRetry();
    this.#session?.end('CLOSED', 'The agent ends');
    await this.#session?.ended;
  }

  #connect(): void {
    if (this.#closed) return;
    this.#cancelRedial();
    const address = this.#members.next(this.#session?.address);
    const { handler, clock, log, security } = this.#options;
    const ownHandler: SessionHandler = {
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
    };
    const session = new Session(address, memberClient(address, security), ownHandler, clock);
    this.#session = session;
    void session.ended.then((end) => this.#explained(address, end)).then((end) => this.#ended(address, end));
  }

  /** With what a person needs to know besides. */
  async #explained(address: string, end: SessionEnd): Promise<SessionEnd> {
    const skew = await explainedSkew(end, address, this.#options.clock.wallMs());
    return skew === undefined ? end : { ...end, message: skew.message };
  }

  #ended(address: string, end: SessionEnd): void {
    if (this.#closed) return;
    this.#lastProblem = `The last session, with "${address}", ended: ${end.message}`;
    const delayMs = retryDelayMs(end, this.#failuresInRow, this.#options.random);
    const level = isLasting(end) ? 'error' : end.code === REDIALLED ? 'info' : 'warn';
    this.#options.log[level]({ member: address, code: end.code, retryMs: Math.round(delayMs) }, this.#lastProblem);
    if (end.code !== REDIALLED) this.#failuresInRow += 1;
    if (SHUT_OUT.has(end.code)) this.#options.onUnauthenticated?.();
    this.#cancelRetry = this.#options.clock.after(delayMs, () => this.#connect());
  }
}
