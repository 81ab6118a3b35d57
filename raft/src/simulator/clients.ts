import type { Entry, ReadState } from '../core/index.ts';
import type { Cluster } from './cluster.ts';
import { encodeValue } from './list-machine.ts';
import type { Process } from './process.ts';
import { Random } from './random.ts';

const READ_SHARE = 0.3;
const TO_LEADER_SHARE = 0.8;
const BATCH_MAX = 4;
/** Clients wait when so much of a member's log is not committed: else a slow cluster would never catch up. */
const UNCOMMITTED_MAX = 40;

/** What a client did and what came of it. Without an answer it may have happened, or may happen yet. */
export interface Operation {
  readonly kind: 'append' | 'read';
  readonly invokedMs: number;
  answeredMs: number | undefined;
  /** Of an append: the value. Of a read: its number. */
  readonly value: number;
  /** Of an answered operation: how many values the list had then, an appended one included. */
  length: number | undefined;
}

/** Clients that append numbered values and read the list, and the history of what they were told. */
export class Clients {
  readonly history: Operation[] = [];
  readonly #cluster: Cluster;
  readonly #random: Random;
  #lastValue = 0;
  #lastRead = 0;
  /** Appends that a process will hear of, by their place in the log. */
  readonly #appends = new Map<Process, Map<string, Operation>>();
  readonly #reads = new Map<number, Operation>();
  /** Reads that wait until their index is applied. */
  readonly #readable = new Map<Process, { readonly index: number; readonly operation: Operation }[]>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#random = new Random(cluster.scenario.seed, 4);
    cluster.events = {
      applied: (process, entry) => this.#applied(process, entry),
      readable: (process, state) => this.#answered(process, state),
      crashed: (process) => {
        this.#appends.delete(process);
        this.#readable.delete(process);
      },
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

  append(process: Process, count = 1): readonly Operation[] {
    const operations = Array.from({ length: count }, () => this.#begin('append', ++this.#lastValue));
    process.input((node) => {
      const place = node.propose(operations.map(({ value }) => encodeValue(value)));
      if (place === undefined) return;
      operations.forEach((operation, at) => {
        this.#appendsOf(process).set(`${place.index + at}@${place.term}`, operation);
      });
    });
    return operations;
  }

  read(process: Process): Operation {
    const operation = this.#begin('read', ++this.#lastRead);
    this.#reads.set(operation.value, operation);
    this.#cluster.checks.readAsked(operation.value);
    process.input((node) => node.readIndex(encodeValue(operation.value)));
    return operation;
  }

  #begin(kind: Operation['kind'], value: number): Operation {
    const invokedMs = this.#cluster.timeline.nowMs;
    const operation: Operation = { kind, invokedMs, answeredMs: undefined, value, length: undefined };
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
    else if (lastIndex - commit < UNCOMMITTED_MAX) this.append(process, this.#random.whole(1, BATCH_MAX));
  }

  #applied(process: Process, { index, term }: Entry): void {
    const operation = this.#appends.get(process)?.get(`${index}@${term}`);
    if (operation !== undefined) this.#done(operation, process);
    const waiting = this.#readable.get(process);
    if (waiting === undefined) return;
    for (const { operation: read } of waiting.filter((waiter) => waiter.index <= index)) this.#done(read, process);
    this.#readable.set(
      process,
      waiting.filter((waiter) => waiter.index > index),
    );
  }

  #answered(process: Process, { index, context }: ReadState): void {
    const number = new DataView(context.buffer, context.byteOffset, context.byteLength).getFloat64(0);
    const operation = this.#reads.get(number);
    this.#cluster.checks.readAnswered(number, process.parts.id, index);
    if (operation === undefined || operation.answeredMs !== undefined) return;
    if (index <= process.machine.applied) this.#done(operation, process);
    else this.#readable.set(process, [...(this.#readable.get(process) ?? []), { index, operation }]);
  }

  #done(operation: Operation, process: Process): void {
    operation.answeredMs ??= this.#cluster.timeline.nowMs;
    operation.length ??= process.machine.values.length;
  }

  #appendsOf(process: Process): Map<string, Operation> {
    const known = this.#appends.get(process);
    if (known !== undefined) return known;
    const made = new Map<string, Operation>();
    this.#appends.set(process, made);
    return made;
  }
}
