/**
 * What one session has to say, in the order in which it must be heard: first whom to trust, then what is to run, then the
 * renewed lease (a renewed lease knows its losses), then requests to open a stream. While the stream is full everything waits here: changes
 * merge, of renewals the newest counts, and requests are limited.
 */
import type { Outgoing, SessionResponseSchema } from '@cell/proto';
import { CellError } from '../cell-error.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { DesiredPush } from './desired-push.ts';

export type SessionMessage = NonNullable<Outgoing<typeof SessionResponseSchema>['message']>;

const waitingRequestsMax = 64;

export class SessionOutbox {
  readonly #state: FleetState;
  readonly #send: (message: SessionMessage) => boolean;
  #push: DesiredPush | undefined;
  #full = false;
  #trust: SessionMessage | undefined;
  #renewal: bigint | undefined;
  #requests: SessionMessage[] = [];

  /** `send` gives false once the stream is full; it has taken the message either way. */
  constructor(state: FleetState, send: (message: SessionMessage) => boolean) {
    this.#state = state;
    this.#send = send;
  }

  /** Before anything else, and whether the stream is full or not. */
  sayWelcome(welcome: SessionMessage): void {
    this.#say(welcome);
  }

  /** Whom to trust, after the welcome and before all else; of several that wait the newest counts. */
  tellTrust(trust: SessionMessage): void {
    this.#trust = trust;
    this.flush();
  }

  /** From now on the agent is told what to run. */
  open(nodeId: string): void {
    this.#push = new DesiredPush(nodeId);
    this.flush();
  }

  /** The allocation may have changed. */
  mark(allocationId: string): void {
    this.#push?.mark(allocationId);
  }

  /** Everything may have changed. */
  markAll(): void {
    this.#push?.markAll();
  }

  renewLease(sequence: bigint): void {
    this.#renewal = sequence;
    this.flush();
  }

  /** Throws `CELL_E_OVERLOADED`. */
  request(message: SessionMessage): void {
    if (this.#requests.length >= waitingRequestsMax) {
      throw new CellError('CELL_E_OVERLOADED', 'The agent does not read what it is asked; try again later');
    }
    this.#requests.push(message);
    this.flush();
  }

  drained(): void {
    this.#full = false;
    this.flush();
  }

  /** Nothing more is said. */
  close(): void {
    this.#push = undefined;
    this.#trust = undefined;
    this.#requests = [];
  }

  /** Says what is to be said, until the stream is full. */
  flush(): void {
    if (!this.#full && this.#trust !== undefined) {
      this.#say(this.#trust);
      this.#trust = undefined;
    }
    if (this.#push === undefined) return;
    while (!this.#full) {
      const desired = this.#push.next(this.#state);
      if (desired === undefined) break;
      this.#say({ case: 'desired', value: desired });
    }
    if (!this.#full && this.#renewal !== undefined) {
      this.#say({ case: 'leaseRenewal', value: { sequence: this.#renewal } });
      this.#renewal = undefined;
    }
    while (!this.#full && this.#requests.length > 0) this.#say(this.#requests.shift()!);
  }

  #say(message: SessionMessage): void {
    if (!this.#send(message)) this.#full = true;
  }
}
