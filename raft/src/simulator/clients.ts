import type { Entry, ReadState } from '../core/index.ts';
import type { Operation } from './client-operation.ts';
import { PendingOperations } from './client-operation.ts';
import type { Cluster } from './cluster.ts';
import type { Command, CommandKind } from './command.ts';
import { KEYS, packCommand } from './command.ts';
import { decodeValue, encodeValue } from './list-machine.ts';
import type { Process } from './process.ts';
import { Random } from './random.ts';
import type { Register } from './register.ts';

const READ_SHARE = 0.3;
const TO_LEADER_SHARE = 0.8;
/** A swap expects what its client saw last, or something else. */
const HOPEFUL_SWAP_SHARE = 0.8;
/** How many of the commands that would be refused are tried all the same. */
const HOPELESS_SHARE = 0.2;
const BATCH_MAX = 4;
/** Clients wait when so much of a member's log is not committed: else a slow cluster would never catch up. */
const UNCOMMITTED_MAX = 40;

const KINDS: readonly (readonly [weight: number, kind: CommandKind])[] = [
  [5, 'append'],
  [2, 'write'],
  [3, 'swap'],
];

/** Clients that work on registers at the same time, and the history of what they were told. */
export class Clients {
  readonly history: Operation[] = [];
  readonly #cluster: Cluster;
  readonly #random: Random;
  #lastSequence = 0;
  #lastRead = 0;
  readonly #pending = new Map<Process, PendingOperations>();
  readonly #reads = new Map<number, Operation>();
  /** Commands that nobody has applied yet, by value. */
  readonly #unapplied = new Map<number, Operation>();
  /** What clients saw last of each register. */
  readonly #seen: number[] = Array.from({ length: KEYS }, () => 0);

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#random = new Random(cluster.scenario.seed, 4);
    cluster.events = {
      applied: (process, entry) => this.#applied(process, entry),
      readable: (process, state) => this.#readable(process, state),
      crashed: (process) => this.#pending.delete(process),
    };
  }

  /** Works until `untilMs`. */
  work(untilMs: number): void {
    const { timeline, scenario } = this.#cluster;
    timeline.after(this.#random.between(0, 2 * scenario.operationEveryMs), () => {
      if (timeline.nowMs >= untilMs) return;
      this.#operate();
      this.work(untilMs);
    });
  }

  /** Asks a member to have so many commands committed, all at once. */
  command(process: Process, count = 1): readonly Operation[] {
    const operations = Array.from({ length: count }, () => this.#makeCommand(process));
    let taken = false;
    process.input((node) => {
      if (process.refusing) return;
      const place = node.propose(operations.map(({ value }) => encodeValue(value)));
      taken = true;
      const pending = this.#pendingOf(process);
      operations.forEach((operation, at) => {
        pending.commanded(operation, place && { index: place.index + at, term: place.term });
      });
    });
    if (!taken) for (const operation of operations) operation.failed = true;
    return operations;
  }

  read(process: Process): Operation {
    const number = ++this.#lastRead;
    const operation = this.#begin(process, this.#random.below(KEYS), number, undefined);
    this.#reads.set(number, operation);
    this.#cluster.checks.readAsked(number);
    process.input((node) => node.readIndex(encodeValue(number)));
    return operation;
  }

  #makeCommand(process: Process): Operation {
    const random = this.#random;
    const key = random.below(KEYS);
    const kind = random.weighted(KINDS);
    const hopeful = random.chance(HOPEFUL_SWAP_SHARE);
    const expected = kind !== 'swap' ? 0 : hopeful ? (this.#seen[key] as number) : random.below(this.#lastSequence + 1);
    const command: Command = { sequence: ++this.#lastSequence, key, kind, expected };
    const operation = this.#begin(process, key, packCommand(command), command);
    this.#unapplied.set(operation.value, operation);
    return operation;
  }

  #begin(process: Process, key: number, value: number, command: Command | undefined): Operation {
    const invokedMs = this.#cluster.timeline.nowMs;
    const operation: Operation = {
      member: process.parts.id,
      key,
      value,
      command,
      invokedMs,
      answeredMs: undefined,
      answer: undefined,
      appliedMs: undefined,
      outcome: undefined,
      failed: false,
    };
    this.history.push(operation);
    return operation;
  }

  #operate(): void {
    const running = this.#cluster.running();
    const leaders = running.filter(({ leading }) => leading);
    const candidates = leaders.length > 0 && this.#random.chance(TO_LEADER_SHARE) ? leaders : running;
    if (candidates.length === 0) return;
    const process = this.#random.pick(candidates);
    const { lastIndex, commit } = process.view;
    if (this.#random.chance(READ_SHARE)) this.read(process);
    else if (this.#wouldRefuse(process, leaders.length > 0) && !this.#random.chance(HOPELESS_SHARE)) return;
    else if (lastIndex - commit < UNCOMMITTED_MAX) this.command(process, this.#random.whole(1, BATCH_MAX));
  }

  /** Without a leader, or where proposals aren't forwarded, little comes of asking. */
  #wouldRefuse({ leading }: Process, led: boolean): boolean {
    return !leading && (!led || this.#cluster.scenario.core.disableProposalForwarding);
  }

  #applied(process: Process, entry: Entry): void {
    const value = entry.type === 'normal' && entry.data.length > 0 ? decodeValue(entry.data) : undefined;
    const first = value === undefined ? undefined : this.#unapplied.get(value);
    if (first !== undefined) {
      this.#unapplied.delete(first.value);
      first.appliedMs = this.#cluster.timeline.nowMs;
      first.outcome = process.machine.registers[first.key];
    }
    for (const operation of this.#pending.get(process)?.applied(entry, value) ?? []) this.#answer(operation, process);
  }

  #readable(process: Process, { index, context }: ReadState): void {
    const number = decodeValue(context);
    const operation = this.#reads.get(number);
    this.#cluster.checks.readAnswered(number, process.parts.id, index);
    if (operation === undefined) return;
    if (index <= process.machine.applied) this.#answer(operation, process);
    else this.#pendingOf(process).readable(operation, index);
  }

  #answer(operation: Operation, process: Process): void {
    if (operation.answeredMs !== undefined) return;
    operation.answeredMs = this.#cluster.timeline.nowMs;
    operation.answer = process.machine.registers[operation.key] as Register;
    this.#seen[operation.key] = operation.answer.last;
  }

  #pendingOf(process: Process): PendingOperations {
    const known = this.#pending.get(process);
    if (known !== undefined) return known;
    const made = new PendingOperations();
    this.#pending.set(process, made);
    return made;
  }
}
