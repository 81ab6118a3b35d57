import { AgentError } from '../agent-error.ts';
import type { Gate } from '../gate.ts';
import type { HealthMonitor } from '../health/health-monitor.ts';
import type { Clock, Log, Random, RunRequest, Runtime, WorkloadSecrets } from '../ports.ts';
import { type AllocationRecord, type HealthVerdict, isFinal, type Observed } from '../reconcile/model.ts';
import { type Action, type Reconciled, reconcileAllocation } from '../reconcile/reconcile-allocation.ts';
import { wantedOf } from '../reconcile/wanted.ts';
import type { AgentStore, StoredAllocation } from '../state/agent-store.ts';
import { SecretTurn } from './secret-turn.ts';
import { runRequestOf, type WorkloadNode } from './workload-environment.ts';

/** What all runners of an agent share. */
export interface RunnerContext {
  readonly runtime: Runtime;
  readonly store: Pick<AgentStore, 'saveAllocation'>;
  readonly health: HealthMonitor;
  readonly secrets: WorkloadSecrets;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly node: WorkloadNode;
  /** Starts under way at one time. */
  readonly starts: Gate;
  readonly leaseValid: () => boolean;
  /** Called when something that the control plane should know has changed. */
  readonly onReport: (runner: AllocationRunner, before: AllocationRecord) => void;
}

/** After an action or a write failed for a reason of the machine. */
const RETRY_MS = 2_000;

/**
 * Carries out what `reconcile/` decides for one allocation: looks, decides, stores, acts, and again whenever something
 * has happened. One pass at a time.
 */
export class AllocationRunner {
  readonly id: string;
  readonly #context: RunnerContext;
  #stored: StoredAllocation;
  /** Set while the disk does not have what we have. */
  #unsaved: boolean;
  /** A run that could not even be given to the runtime. */
  #refused: { readonly run: number; readonly observed: Observed } | undefined;
  readonly #secrets: SecretTurn;
  #active: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #cancelWake: () => void = () => undefined;

  constructor(context: RunnerContext, stored: StoredAllocation, { saved }: { readonly saved: boolean }) {
    this.id = stored.desired.id;
    this.#context = context;
    this.#stored = stored;
    this.#unsaved = !saved;
    const { secrets, clock } = context;
    this.#secrets = new SecretTurn({ id: this.id, secrets, clock, onChange: () => this.poke() });
  }

  get stored(): StoredAllocation {
    return this.#stored;
  }

  get record(): AllocationRecord {
    return this.#stored.record;
  }

  /** Takes over what the control plane wants now; specifications never change. Call `poke` after. */
  want(change: { readonly desired?: 'run' | 'stop'; readonly released: boolean }): void {
    const desired = { ...this.#stored.desired, desired: change.desired ?? this.#stored.desired.desired };
    if (desired.desired === this.#stored.desired.desired && change.released === this.#stored.released) return;
    this.#stored = { ...this.#stored, desired, released: change.released };
    this.#unsaved = true;
  }

  /** Something may have happened: look again, soon. */
  poke(): void {
    if (this.#closed) return;
    this.#again = true;
    this.#active ??= this.#passes();
  }

  /** Resolves when no pass is under way. */
  async idle(): Promise<void> {
    while (this.#active !== undefined) await this.#active;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelWake();
    this.#secrets.close();
    await this.idle();
  }

  async #passes(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      try {
        await this.#pass();
      } catch (error) {
        this.#context.log.error(
          { allocation: this.id, err: error },
          'Could not go on with an allocation; will try again',
        );
        this.#wakeAt(this.#context.clock.wallMs() + RETRY_MS);
      }
    }
    // In the same breath as the last look at what is left to do: what comes a moment later begins anew.
    this.#active = undefined;
  }

  async #pass(): Promise<void> {
    const { clock, leaseValid } = this.#context;
    const { desired, released, record } = this.#stored;
    const observed = this.#observe(record.run);
    const result = this.#withSecrets(
      reconcileAllocation({
        desired,
        wanted: wantedOf({ desired, removed: released, leaseValid: leaseValid() }),
        record,
        observed,
        health: this.#healthOf(record.run),
        nowMs: clock.wallMs(),
      }),
    );
    this.#take(result.record);
    const saved = await this.save();
    // The next process of the agent would make a start again that is not on disk, beside this one.
    const actions = saved ? result.actions : result.actions.filter(({ type }) => type !== 'start');
    for (const action of actions) await this.#act(action);
    this.#followHealth(observed);
    this.#wakeAt(this.#unsaved ? clock.wallMs() + RETRY_MS : result.wakeAtMs);
  }

  /** No start before its secrets are there. They are got meanwhile, so that it can be stopped as well. */
  #withSecrets(result: Reconciled): Reconciled {
    const names = Object.keys(this.#stored.desired.isolation.secrets ?? {});
    const start = result.actions.find(({ type }) => type === 'start');
    if (start === undefined || this.#secrets.readyFor(result.record.run, names)) return result;
    const { problem } = this.#secrets;
    const record = problem === '' ? result.record : { ...result.record, message: `Waits to start. ${problem}` };
    return { ...result, record, actions: result.actions.filter((action) => action !== start) };
  }

  #take(record: AllocationRecord): void {
    const before = this.#stored.record;
    if (JSON.stringify(before) === JSON.stringify(record)) return;
    const ended = isFinal(record.state) && this.#stored.endedAtMs === null;
    const endedAtMs = ended ? this.#context.clock.wallMs() : this.#stored.endedAtMs;
    this.#stored = { ...this.#stored, record, endedAtMs };
    this.#unsaved = true;
    if (ended) this.#forgetSecrets();
    if (isReportable(before, record)) {
      const { state, message, restarts } = record;
      this.#context.log.info({ allocation: this.id, job: this.#stored.desired.jobName, state, restarts }, message);
      this.#context.onReport(this, before);
    }
  }

  #forgetSecrets(): void {
    this.#secrets.close();
    void this.#context.secrets.remove(this.id).catch(() => undefined);
  }

  /**
   * Puts on disk what we have; false if that fails. A full disk must not keep us from stopping what has to stop: so we
   * go on, and write again later.
   */
  async save(): Promise<boolean> {
    if (!this.#unsaved) return true;
    const stored = this.#stored;
    try {
      await this.#context.store.saveAllocation(stored);
      this.#unsaved = this.#stored !== stored;
      return true;
    } catch (error) {
      this.#context.log.error(
        { allocation: this.id, err: error },
        'Could not store an allocation; make room in the data folder',
      );
    }
    return false;
  }

  async #act(action: Action): Promise<void> {
    const { runtime, log } = this.#context;
    log.info({ allocation: this.id, action: action.type, reason: action.reason }, `Carrying out "${action.type}"`);
    switch (action.type) {
      case 'start':
        await this.#start(action.run);
        return;
      case 'signal':
        await runtime.signal(this.id, action.signal);
        return;
      case 'kill':
        await runtime.kill(this.id);
        return;
    }
  }

  async #start(run: number): Promise<void> {
    try {
      const request = this.#request(run);
      await this.#context.starts.through(() => this.#context.runtime.start(request));
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== 'CELL_E_CANNOT_RUN') throw error;
      const observed = { state: 'ended', exitCode: undefined, cannotRun: error.message, message: '' } as const;
      this.#refused = { run, observed };
    }
    this.#again = true;
  }

  #request(run: number): RunRequest {
    const { runtime, node } = this.#context;
    const folders = { workFolder: runtime.workFolder(this.id), secretsFolder: this.#context.secrets.folder(this.id) };
    return runRequestOf(this.#stored.desired, run, node, folders);
  }

  #observe(run: number): Observed {
    return this.#refused?.run === run ? this.#refused.observed : this.#context.runtime.observe(this.id, run);
  }

  #healthOf(run: number): HealthVerdict {
    if (this.#stored.desired.health === null) return { state: 'healthy', message: 'no health check is set' };
    return this.#context.health.verdict(this.id, run);
  }

  #followHealth(observed: Observed): void {
    const { health, node, runtime } = this.#context;
    const { desired, record } = this.#stored;
    const check = desired.health;
    if (check === null) return;
    if (observed.state !== 'running' || record.stopping !== null || isFinal(record.state)) {
      health.unwatch(this.id);
      return;
    }
    health.watch(this.id, record.run, {
      check,
      address: node.address,
      port: desired.ports[check.port] ?? 0,
      runBeside: (timeoutMs) => {
        const request = this.#request(record.run);
        return runtime.runBeside({ ...request, command: check.command }, timeoutMs);
      },
    });
  }

  #wakeAt(atMs: number | undefined): void {
    this.#cancelWake();
    if (atMs === undefined || this.#closed) return;
    const delayMs = Math.max(0, atMs - this.#context.clock.wallMs());
    this.#cancelWake = this.#context.clock.after(delayMs, () => this.poke());
  }
}

function isReportable(before: AllocationRecord, after: AllocationRecord): boolean {
  const told = ({ state, message, restarts, exitCode }: AllocationRecord): string =>
    JSON.stringify([state, message, restarts, exitCode]);
  return told(before) !== told(after);
}
