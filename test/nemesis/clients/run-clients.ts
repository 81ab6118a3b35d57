import { setTimeout } from 'node:timers/promises';
import type { Random } from '@cell/raft/simulator';
import type { CellClient } from '@cell/sdk';
import type { NemesisFleet } from '../fleet/nemesis-fleet.ts';
import type { CallLog } from './call-log.ts';
import type { Input, Written } from './operations.ts';
import { codeOf, perform, writtenBy } from './perform.ts';

const REGISTERS = 5;
/** Members keep the marks of 16 drills. */
const DRILLS = 4;
const CALL_MS_MAX = 1_500;
const PAUSE_MS_MAX = 25;
const PAUSE_AFTER_FAILURE_MS = 40;
/** How likely a client stays with the member that answered. */
const LOYALTY = 0.7;

export interface ClientsParts {
  readonly fleet: Pick<NemesisFleet, 'addresses' | 'operators'>;
  readonly count: number;
  readonly log: CallLog;
  /** One of its own for each client. */
  readonly random: (client: number) => Random;
}

/** Clients that call any member, all at the same time, until they are stopped. */
export class RunningClients {
  readonly #parts: ClientsParts;
  readonly #work: readonly Promise<void>[];
  readonly #sequences = new Map<string, number>();
  /** By register: what some client has seen of it last. */
  readonly #seen = new Map<string, Written>();
  #stopping = false;

  constructor(parts: ClientsParts) {
    this.#parts = parts;
    this.#work = Array.from({ length: parts.count }, (_, place) => this.#run(place + 1, parts.random(place + 1)));
  }

  /** Resolves once the calls under way have ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#work);
  }

  async #run(client: number, random: Random): Promise<void> {
    const { fleet } = this.#parts;
    const connections = new Map<number, CellClient>();
    let member = random.whole(1, fleet.addresses.length);
    try {
      for (let made = 0; !this.#stopping; made += 1) {
        const connection =
          connections.get(member) ?? fleet.operators([fleet.addresses[member - 1] as string], CALL_MS_MAX);
        connections.set(member, connection);
        const answered = await this.#call(connection, client, member, this.#next(random, client, made));
        if (!answered || !random.chance(LOYALTY)) member = random.whole(1, fleet.addresses.length);
        await setTimeout(answered ? random.between(0, PAUSE_MS_MAX) : PAUSE_AFTER_FAILURE_MS);
      }
    } finally {
      for (const each of connections.values()) each.close();
    }
  }

  async #call(client: CellClient, number: number, member: number, input: Input): Promise<boolean> {
    const { log } = this.#parts;
    const record = log.begin(number, member, input);
    try {
      const output = await perform(client, input, CALL_MS_MAX);
      log.end(record, { output });
      const written = writtenBy(record);
      if ('register' in input && written !== undefined) this.#seen.set(input.register, written);
      return true;
    } catch (error) {
      log.end(record, { failure: codeOf(error) });
      return false;
    }
  }

  #next(random: Random, client: number, made: number): Input {
    const register = registerName(random.below(REGISTERS));
    const drill = drillName(random.below(DRILLS));
    const value = `${client}-${made}`;
    return random.weighted<() => Input>([
      [40, () => ({ kind: 'read', register })],
      [20, () => ({ kind: 'write', register, value })],
      [20, () => ({ kind: 'swap', register, value, expected: this.#seen.get(register) ?? { value: '', index: 0 } })],
      [12, () => ({ kind: 'mark', drill, sequence: this.#nextSequence(drill) })],
      [8, () => ({ kind: 'marks', drill })],
    ])();
  }

  #nextSequence(drill: string): number {
    const sequence = this.#sequences.get(drill) ?? 0;
    this.#sequences.set(drill, sequence + 1);
    return sequence;
  }
}

function registerName(place: number): string {
  return `register-${place}`;
}

function drillName(place: number): string {
  return `drill-${place}`;
}

/** Reads of everything there is. */
export function allReads(): Input[] {
  return [
    ...Array.from({ length: REGISTERS }, (_, place): Input => ({ kind: 'read', register: registerName(place) })),
    ...Array.from({ length: DRILLS }, (_, place): Input => ({ kind: 'marks', drill: drillName(place) })),
  ];
}
