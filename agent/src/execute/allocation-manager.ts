import { Gate } from '../gate.ts';
import { HealthMonitor } from '../health/health-monitor.ts';
import type {
  Clock,
  ExecInput,
  ExecOutput,
  ExecRequest,
  Log,
  LogChunk,
  LogRequest,
  Random,
  Runtime,
  Usage,
  WorkloadSecrets,
} from '../ports.ts';
import {
  type AllocationRecord,
  type AllocationState,
  type DesiredAllocation,
  isFinal,
  NEW_RECORD,
} from '../reconcile/model.ts';
import type { AgentStore } from '../state/agent-store.ts';
import { AllocationRunner, type RunnerContext } from './allocation-runner.ts';
import type { WorkloadNode } from './workload-environment.ts';

/** What the control plane wants of this node, or changes of it. */
export interface DesiredChange {
  /** Raft index that it comes from. */
  readonly generation: number;
  /** `set` is everything. */
  readonly complete: boolean;
  readonly set: readonly DesiredAllocation[];
  readonly removed: readonly string[];
}

/** What the control plane is told of one allocation. */
export type AllocationReport = Pick<AllocationRecord, 'state' | 'message' | 'restarts' | 'exitCode'> & {
  readonly id: string;
};

export interface AllocationManagerOptions {
  readonly runtime: Runtime;
  readonly store: AgentStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly node: WorkloadNode;
  readonly secrets: WorkloadSecrets;
}

/** Ended allocations that the control plane does not name any more: so many keep their output. */
const RELEASED_KEPT_MAX = 100;
/** With 16, systemd waited for us between starts: 0.8 of its own rate, with these 0.9; fewer than the bus takes calls. */
const STARTS_MAX = 48;
const COLLECT_PERIOD_MS = 10_000;

/** All allocations of this node: takes over what is wanted, and says what has become of it. */
export class AllocationManager {
  readonly #options: AllocationManagerOptions;
  readonly #runners = new Map<string, AllocationRunner>();
  readonly #health: HealthMonitor;
  readonly #context: RunnerContext;
  readonly #stopCollecting: () => void;
  #leaseValid: boolean;
  #restarts = 0;
  #onReport: (report: AllocationReport) => void = () => undefined;

  /** Takes up what was running before this process. Rejects if what is stored is damaged. */
  static async open(options: AllocationManagerOptions, leaseValid: boolean): Promise<AllocationManager> {
    const manager = new AllocationManager(options, leaseValid);
    await manager.#adopt();
    return manager;
  }

  private constructor(options: AllocationManagerOptions, leaseValid: boolean) {
    this.#options = options;
    this.#leaseValid = leaseValid;
    const { clock, random } = options;
    this.#health = new HealthMonitor({ clock, random, onChange: (id) => this.#runners.get(id)?.poke() });
    this.#context = {
      ...options,
      health: this.#health,
      starts: new Gate(STARTS_MAX),
      leaseValid: () => this.#leaseValid,
      onReport: (runner, before) => {
        this.#restarts += runner.record.restarts - before.restarts;
        this.#onReport(reportOf(runner));
      },
    };
    options.runtime.onChange((id) => this.#runners.get(id)?.poke());
    this.#stopCollecting = clock.every(COLLECT_PERIOD_MS, () => void this.collect());
  }

  get generation(): number {
    return this.#options.store.node.generation;
  }

  /** Since this process began; ones of allocations that are gone stay counted. */
  get restartsTotal(): number {
    return this.#restarts;
  }

  onReport(listener: (report: AllocationReport) => void): void {
    this.#onReport = listener;
  }

  /** Takes over what is wanted now; false, and nothing changes, if it is older than what this node has. */
  async apply(change: DesiredChange): Promise<boolean> {
    const { store } = this.#options;
    if (change.generation < store.node.generation) return false;
    const named = new Set(change.set.map((desired) => desired.id));
    for (const desired of change.set) this.#want(desired);
    const released = change.complete ? [...this.#runners.keys()].filter((id) => !named.has(id)) : change.removed;
    for (const id of released) this.#release(id);
    await this.#advance(change);
    return true;
  }

  /** Whether this node may run what the fleet may have placed elsewhere. */
  setLease(valid: boolean): void {
    if (valid === this.#leaseValid) return;
    this.#leaseValid = valid;
    for (const runner of this.#runners.values()) runner.poke();
  }

  /** All that the control plane may still want to know of. */
  reports(): AllocationReport[] {
    return [...this.#runners.values()].filter((runner) => !isForgotten(runner)).map(reportOf);
  }

  counts(): ReadonlyMap<AllocationState, number> {
    const counts = new Map<AllocationState, number>();
    for (const { record } of this.#runners.values()) counts.set(record.state, (counts.get(record.state) ?? 0) + 1);
    return counts;
  }

  /** Undefined for what this node does not know. */
  jobOf(id: string): string | undefined {
    return this.#runners.get(id)?.stored.desired.jobName;
  }

  usage(): Promise<ReadonlyMap<string, Usage>> {
    return this.#options.runtime.usage();
  }

  readLogs(id: string, request: Omit<LogRequest, 'mayGoOn'>, signal: AbortSignal): AsyncIterable<LogChunk> {
    const mayGoOn = (): boolean => {
      const runner = this.#runners.get(id);
      return runner !== undefined && !isFinal(runner.record.state);
    };
    return this.#options.runtime.readLogs(id, { ...request, mayGoOn }, signal);
  }

  /** Runs a command in what runs of an allocation now: see `Runtime.exec`. */
  exec(
    request: Omit<ExecRequest, 'run'>,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): AsyncIterable<ExecOutput> {
    const run = this.#runners.get(request.id)?.record.run ?? 0;
    return this.#options.runtime.exec({ ...request, run }, input, signal);
  }

  /** Drops the oldest of what has ended and is not named any more, beyond what is kept for people to read. */
  async collect(): Promise<void> {
    const forgotten = [...this.#runners.values()].filter(isForgotten);
    const oldestFirst = forgotten.sort((left, right) => (left.stored.endedAtMs ?? 0) - (right.stored.endedAtMs ?? 0));
    for (const runner of oldestFirst.slice(0, Math.max(0, oldestFirst.length - RELEASED_KEPT_MAX))) {
      try {
        await this.#drop(runner);
      } catch (error) {
        this.#options.log.warn(
          { allocation: runner.id, err: error },
          'Could not remove an ended allocation; will try again',
        );
      }
    }
  }

  async close(): Promise<void> {
    this.#stopCollecting();
    this.#health.close();
    await Promise.all([...this.#runners.values()].map((runner) => runner.close()));
  }

  /** A generation on disk is never ahead of what it stands for; one that lags behind does no harm. */
  async #advance({ generation }: DesiredChange): Promise<void> {
    const { store, log } = this.#options;
    const saved = await Promise.all([...this.#runners.values()].map((runner) => runner.save()));
    if (generation === store.node.generation) return;
    try {
      if (saved.includes(false)) store.noteGeneration(generation);
      else await store.saveNode({ ...store.node, generation });
    } catch (error) {
      log.error({ generation, err: error }, 'Could not store the generation; make room in the data folder');
    }
  }

  async #adopt(): Promise<void> {
    const { store, runtime, secrets, log } = this.#options;
    for (const stored of await store.loadAllocations()) {
      this.#runners.set(stored.desired.id, new AllocationRunner(this.#context, stored, { saved: true }));
    }
    for (const id of runtime.known().filter((known) => !this.#runners.has(known))) {
      log.warn({ allocation: id }, 'Removing an allocation of which nothing is stored');
      await runtime.remove(id);
    }
    const living = [...this.#runners.values()].filter(({ record }) => !isFinal(record.state));
    await secrets.retain(new Set(living.map(({ id }) => id)));
    for (const runner of this.#runners.values()) runner.poke();
  }

  #want(desired: DesiredAllocation): void {
    const known = this.#runners.get(desired.id);
    if (known !== undefined) {
      known.want({ desired: desired.desired, released: false });
      known.poke();
      return;
    }
    const stored = { desired, released: false, record: NEW_RECORD, endedAtMs: null };
    const runner = new AllocationRunner(this.#context, stored, { saved: false });
    this.#runners.set(desired.id, runner);
    runner.poke();
  }

  #release(id: string): void {
    const runner = this.#runners.get(id);
    if (runner === undefined) return;
    runner.want({ released: true });
    runner.poke();
  }

  async #drop(runner: AllocationRunner): Promise<void> {
    await runner.close();
    await this.#options.runtime.remove(runner.id);
    await this.#options.secrets.remove(runner.id);
    await this.#options.store.removeAllocation(runner.id);
    this.#runners.delete(runner.id);
  }
}

function reportOf(runner: AllocationRunner): AllocationReport {
  const { state, message, restarts, exitCode } = runner.record;
  return { id: runner.id, state, message, restarts, exitCode };
}

/** Ended, and the control plane knows: kept only so that people can read its output. */
function isForgotten(runner: AllocationRunner): boolean {
  return runner.stored.released && isFinal(runner.record.state);
}
