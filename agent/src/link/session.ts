import {
  AgentService,
  methodDefinition,
  type Outgoing,
  type SessionRequestSchema,
  type SessionResponse,
} from '@cell/proto';
import type { Client, ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import type { AllocationReport } from '../execute/allocation-manager.ts';
import type { Clock } from '../ports.ts';
import { callFailure } from './call-failure.ts';
import { heartbeatToProto, helloToProto, type Introduction, reportToProto, type VitalSigns } from './to-proto.ts';
import { whenConnected } from './when-connected.ts';

/** How a session ended. */
export interface SessionEnd {
  /** A `CELL_E_…` code of the member's, or of ours; else gRPC's status as text. */
  readonly code: string;
  readonly message: string;
  /** Whether the leader had confirmed a heartbeat in it: then it was a good one. */
  readonly confirmed: boolean;
  /** The member asks not to be called again before. */
  readonly retryAfterMs?: number;
}

/** What the agent does with what a session brings. */
export interface SessionHandler {
  introduction(): Introduction;
  vitalSigns(): Promise<VitalSigns>;
  welcomed(welcome: WelcomeValue): void;
  /** A heartbeat that was sent at that time of the monotonic clock is confirmed. */
  confirmed(sentAtMs: number, leaseMs: number): void;
  /** Rejects if the session can't go on with it. */
  desired(desired: DesiredValue): Promise<void>;
  openLogs(open: OpenLogsValue, client: Client): void;
  openExec(open: OpenExecValue, client: Client): void;
  /** Authorities to trust from now on. */
  trust(trust: TrustValue): void;
}

type Said<Case extends string> = Extract<SessionResponse['message'], { case: Case }>;
export type WelcomeValue = Said<'welcome'>['value'];
export type DesiredValue = Said<'desired'>['value'];
export type OpenLogsValue = Said<'openLogs'>['value'];
export type OpenExecValue = Said<'openExec'>['value'];
export type TrustValue = Said<'trust'>['value'];
type SessionMessage = Outgoing<typeof SessionRequestSchema>['message'];

const WELCOME_MS_MAX = 8_000;
const CONNECT_MS_MAX = 3_000;
const LOOK_PERIOD_MS = 250;
/** A heartbeat waits for what it says of the node so long at most: a disk that hangs must not make the node lost. */
const VITAL_SIGNS_MS_MAX = 1_000;
const NO_VITAL_SIGNS: VitalSigns = { health: { load: 0, memoryAvailableBytes: 0, diskFreeBytes: 0 }, usage: new Map() };
/** Heartbeats that wait for their confirmation; the oldest are forgotten. */
const UNCONFIRMED_MAX = 64;
/** Messages of desired state that wait to be carried out; a member that sends more is left. */
const DESIRED_WAITING_MAX = 1_000;
/** Allocations in one state that comes in parts: more than a node can have. */
const DESIRED_IN_PARTS_MAX = 20_000;
const REPORTS_PER_MESSAGE_MAX = 500;

/** One session with one member, from Hello until either side has had enough. */
export class Session {
  readonly address: string;
  /** Resolves when it is over; never rejects. */
  readonly ended: Promise<SessionEnd>;
  readonly #handler: SessionHandler;
  readonly #clock: Clock;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Outgoing<typeof SessionRequestSchema>, SessionResponse>;
  readonly #startedAtMs: number;
  readonly #timers: (() => void)[] = [];
  /** When each heartbeat was sent, by its number. */
  readonly #unconfirmed = new Map<number, number>();
  /** Newest state of each allocation that the member has not been told. */
  readonly #reports = new Map<string, AllocationReport>();
  #resolveEnded: (end: SessionEnd) => void = () => undefined;
  #welcome: WelcomeValue | undefined;
  #sequence = 0;
  #heartbeatUnderWay = false;
  /** Under way: one that hangs is not begun again. */
  #reading: Promise<VitalSigns> | undefined;
  #blocked = false;
  #lastConfirmedAtMs: number;
  #confirmed = false;
  #complete = false;
  /** A state of which parts are still to come. */
  #begun: DesiredValue | undefined;
  #desiredWaiting = 0;
  #applying: Promise<void> = Promise.resolve();
  #over = false;

  /** `client`: for the member at `address`; closed with the session. */
  constructor(address: string, client: Client, handler: SessionHandler, clock: Clock) {
    this.address = address;
    this.#client = client;
    this.#handler = handler;
    this.#clock = clock;
    this.#startedAtMs = clock.monotonicMs();
    this.#lastConfirmedAtMs = this.#startedAtMs;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    const method = methodDefinition(AgentService.method.session);
    this.#call = this.#client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
    this.#call.on('data', (response: SessionResponse) => this.#receive(response));
    this.#call.on('drain', () => this.#drained());
    this.#call.on('error', (error: ServiceError) => this.#failed(error));
    this.#call.on('end', () => this.end('ENDED', 'The member ended the session'));
    this.#timers.push(clock.every(LOOK_PERIOD_MS, () => this.#look()));
    whenConnected(this.#client, Date.now() + CONNECT_MS_MAX, (connected) => {
      if (connected) this.#send({ case: 'hello', value: helloToProto(handler.introduction()) });
      else this.end('UNAVAILABLE', `Could not connect within ${CONNECT_MS_MAX} ms`);
    });
  }

  /** Whether the member has taken us in. */
  get welcomed(): boolean {
    return this.#welcome !== undefined && !this.#over;
  }

  /** Tells the member of a change, as soon as it can take it. */
  report(report: AllocationReport): void {
    this.#reports.set(report.id, report);
    if (this.welcomed) this.#flushReports();
  }

  /** For further calls to the same member, for as long as the session lasts. */
  get client(): Client {
    return this.#client;
  }

  /** Ends it from our side, or notes that it has ended. */
  end(code: string, message: string, retryAfterMs = 0): void {
    if (this.#over) return;
    this.#over = true;
    for (const stop of this.#timers) stop();
    this.#call.cancel();
    this.#client.close();
    this.#resolveEnded({ code, message, confirmed: this.#confirmed, retryAfterMs });
  }

  #failed(error: ServiceError): void {
    const { code, message, retryAfterMs } = callFailure(error, this.address);
    this.end(code, message, retryAfterMs);
  }

  #receive({ message }: SessionResponse): void {
    if (this.#over) return;
    switch (message.case) {
      case 'welcome':
        this.#welcomedBy(message.value);
        return;
      case 'leaseRenewal':
        this.#renewed(Number(message.value.sequence));
        return;
      case 'desired':
        this.#take(message.value);
        return;
      case 'openLogs':
        this.#handler.openLogs(message.value, this.#client);
        return;
      case 'openExec':
        this.#handler.openExec(message.value, this.#client);
        return;
      case 'trust':
        this.#handler.trust(message.value);
        return;
      case undefined:
        // From a newer member, and nothing that this agent could act on.
        return;
    }
  }

  #welcomedBy(welcome: WelcomeValue): void {
    if (this.#welcome !== undefined) return;
    this.#welcome = welcome;
    this.#lastConfirmedAtMs = this.#clock.monotonicMs();
    this.#handler.welcomed(welcome);
    if (this.#over) return;
    this.#timers.push(this.#clock.every(Math.max(1, welcome.heartbeatIntervalMs), () => void this.#beat()));
    void this.#beat();
    this.#flushReports();
  }

  /** One at a time, and none into a full stream: what can't be sent must not be counted from. */
  async #beat(): Promise<void> {
    if (this.#heartbeatUnderWay || this.#blocked) return;
    this.#heartbeatUnderWay = true;
    try {
      const vitalSigns = await this.#vitalSigns();
      if (this.#over) return;
      this.#sequence += 1;
      const sequence = this.#sequence;
      this.#unconfirmed.set(sequence, this.#clock.monotonicMs());
      if (this.#unconfirmed.size > UNCONFIRMED_MAX) this.#unconfirmed.delete(sequence - UNCONFIRMED_MAX);
      this.#send({ case: 'heartbeat', value: heartbeatToProto(sequence, vitalSigns) });
    } finally {
      this.#heartbeatUnderWay = false;
    }
  }

  /** A sign of life counts more than what it tells: without a reading it goes without. */
  #vitalSigns(): Promise<VitalSigns> {
    this.#reading ??= this.#handler
      .vitalSigns()
      .catch(() => NO_VITAL_SIGNS)
      .finally(() => {
        this.#reading = undefined;
      });
    const { promise: late, resolve } = Promise.withResolvers<VitalSigns>();
    const stop = this.#clock.after(VITAL_SIGNS_MS_MAX, () => resolve(NO_VITAL_SIGNS));
    return Promise.race([this.#reading, late]).finally(stop);
  }

  #renewed(sequence: number): void {
    const sentAtMs = this.#unconfirmed.get(sequence);
    if (sentAtMs === undefined || this.#welcome === undefined) return;
    for (const older of this.#unconfirmed.keys()) if (older <= sequence) this.#unconfirmed.delete(older);
    this.#confirmed = true;
    this.#lastConfirmedAtMs = this.#clock.monotonicMs();
    this.#handler.confirmed(sentAtMs, this.#welcome.leaseMs);
  }

  /** In order, one after the other. Changes make sense only on top of a whole. */
  #take(part: DesiredValue): void {
    const desired = this.#joined(part);
    if (desired === undefined) return;
    this.#complete ||= desired.complete;
    this.#desiredWaiting += 1;
    if (!this.#complete) {
      this.end('CELL_E_INVALID', 'The member sent changes before the whole desired state');
    } else if (this.#desiredWaiting > DESIRED_WAITING_MAX) {
      this.end('CELL_E_OVERLOADED', `More than ${DESIRED_WAITING_MAX} changes wait to be carried out`);
    }
    this.#applying = this.#applying.then(async () => {
      if (this.#over) return;
      try {
        await this.#handler.desired(desired);
      } catch (error) {
        this.end('CELL_E_INVALID', (error as Error).message);
      }
      this.#desiredWaiting -= 1;
    });
  }

  /** The whole, once its last part is here. */
  #joined(part: DesiredValue): DesiredValue | undefined {
    const begun = part.complete ? undefined : this.#begun;
    const whole = begun === undefined ? part : { ...begun, set: [...begun.set, ...part.set] };
    this.#begun = part.more ? whole : undefined;
    if (whole.set.length > DESIRED_IN_PARTS_MAX) {
      this.end('CELL_E_OVERLOADED', `More than ${DESIRED_IN_PARTS_MAX} allocations came in one state`);
    }
    return part.more ? undefined : whole;
  }

  #flushReports(): void {
    while (!this.#blocked && !this.#over && this.#reports.size > 0) {
      const batch = [...this.#reports.values()].slice(0, REPORTS_PER_MESSAGE_MAX);
      for (const { id } of batch) this.#reports.delete(id);
      this.#send({ case: 'report', value: { allocations: batch.map(reportToProto) } });
    }
  }

  #send(message: NonNullable<SessionMessage>): void {
    if (!this.#over && !this.#call.write({ message })) this.#blocked = true;
  }

  #drained(): void {
    this.#blocked = false;
    if (this.welcomed) this.#flushReports();
  }

  /** A member that does not answer, or that reaches no leader for half a lease, is left for another one. */
  #look(): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#welcome === undefined) {
      if (nowMs - this.#startedAtMs > WELCOME_MS_MAX) this.end('NO_WELCOME', `No Welcome within ${WELCOME_MS_MAX} ms`);
      return;
    }
    const silentMsMax = this.#welcome.leaseMs / 2;
    if (nowMs - this.#lastConfirmedAtMs > silentMsMax) {
      this.end('NO_RENEWAL', `No heartbeat was confirmed for ${silentMsMax} ms`);
    }
  }
}
