import { setImmediate as nextTurn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { ConfState, NodeId } from '../../core/index.ts';
import { MemoryLogStore } from '../../storage/index.ts';
import type { Driver, DriverOptions, LogStore } from '../ports.ts';
import { startDriver } from '../start-driver.ts';
import { ListMachine } from './list-machine.ts';
import { MemoryNetwork } from './memory-network.ts';

/** Rounds of "tick everyone, then let the event loop turn" before `until` gives up: 100 elections. */
const ROUNDS_MAX = 1000;

/** Turns of the event loop per round: enough for a message there and back, with its writes. */
const TURNS_PER_ROUND = 8;

const HEARTBEAT_MS = 50;

export interface TestMember {
  readonly id: NodeId;
  readonly driver: Driver;
  readonly machine: ListMachine;
  readonly store: LogStore;
  readonly failures: Error[];
}

export function propose(member: TestMember, text: string): Promise<{ index: number; result: unknown }> {
  return member.driver.propose(Buffer.from(text));
}

export function conf(...voters: NodeId[]): ConfState {
  return { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
}

/** Drivers in one process, in a time that passes only when `until` or `run` lets it. */
export class TestCluster {
  readonly network = new MemoryNetwork();
  readonly members = new Map<NodeId, TestMember>();
  readonly #ticks = new Map<NodeId, () => void>();
  readonly #stores = new Map<NodeId, LogStore>();
  readonly #options: Partial<DriverOptions>;
  /** Writes under way in stores that take real time. */
  readonly #writing = new Set<Promise<unknown>>();
  #seed = 1;
  /** What all their clocks say. */
  nowMs = 0;
  /** For these members no ticks fall: their processes stand still, or time in them does. */
  readonly stalled = new Set<NodeId>();

  constructor(options: Partial<DriverOptions> = {}) {
    this.#options = options;
    onTestFinished(() => this.stopAll());
  }

  static async of(count: number, options: Partial<DriverOptions> = {}): Promise<TestCluster> {
    const cluster = new TestCluster(options);
    const founders = conf(...Array.from({ length: count }, (_, i) => i + 1));
    for (const id of founders.voters) await cluster.start(id, new MemoryLogStore({ bootstrap: founders }));
    return cluster;
  }

  /** Starts a member, or starts it again with the store that it had. */
  async start(id: NodeId, store: LogStore = this.#stores.get(id) as LogStore): Promise<TestMember> {
    this.#stores.set(id, store);
    const machine = new ListMachine();
    const failures: Error[] = [];
    const driver = await startDriver({
      id,
      store,
      machine,
      transport: this.network.transportOf(id),
      timers: { every: (_, tick) => this.#every(id, tick), monotonicMs: () => this.nowMs },
      random: (below) => this.#random(below),
      heartbeatMs: HEARTBEAT_MS,
      electionMs: 500,
      snapshotEveryEntries: 1000,
      snapshotEveryBytes: 1e9,
      keepEntries: 10,
      onFatal: (error) => failures.push(error),
      ...this.#options,
    });
    const member = { id, driver, machine, store, failures };
    this.members.set(id, member);
    this.network.join(id, driver);
    return member;
  }

  /** Takes a member out without its doing anything any more, as a crash does. */
  async stop(id: NodeId): Promise<void> {
    this.network.leave(id);
    this.#ticks.delete(id);
    await this.members.get(id)?.driver.stop();
    this.members.delete(id);
  }

  async stopAll(): Promise<void> {
    for (const id of this.members.keys()) await this.stop(id);
  }

  member(id: NodeId): TestMember {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`Member ${id} does not run`);
    return member;
  }

  /** Runs until one of `among` leads a quorum that agrees on it. */
  async leader(among: readonly NodeId[] = [...this.members.keys()]): Promise<TestMember> {
    let found: TestMember | undefined;
    await this.until(() => {
      found = among.map((id) => this.member(id)).find(({ driver }) => driver.status().role === 'leader');
      return found !== undefined && among.every((id) => this.member(id).driver.status().leader === found?.id);
    });
    return found as TestMember;
  }

  async until(condition: () => boolean): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      if (condition()) return;
      await this.run(1);
    }
    const states = [...this.members.values()].map(({ driver }) => JSON.stringify(driver.status()));
    throw new Error(`Condition did not come true: ${condition.toString()}\n${states.join('\n')}`);
  }

  /** Waits for a promise while time passes. */
  async during<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    work.then(mark, mark);
    await this.until(() => settled);
    return work;
  }

  /** Time stands still while this store writes: else a slow disk would cost elections. */
  holdTimeFor(store: LogStore): LogStore {
    const append = store.append.bind(store);
    store.append = (batch) => {
      const writing = append(batch).finally(() => this.#writing.delete(writing));
      this.#writing.add(writing);
      return writing;
    };
    return store;
  }

  async run(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      this.nowMs += HEARTBEAT_MS;
      for (const [id, tick] of this.#ticks) if (!this.stalled.has(id)) tick();
      for (let turn = 0; turn < TURNS_PER_ROUND; turn += 1) {
        await nextTurn();
        await Promise.allSettled(this.#writing);
      }
    }
  }

  #every(id: NodeId, tick: () => void): () => void {
    this.#ticks.set(id, tick);
    return () => {
      if (this.#ticks.get(id) === tick) this.#ticks.delete(id);
    };
  }

  /** The same numbers in every run. */
  #random(below: number): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed % below;
  }
}
