import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@cell/config/make-folder';
import { AgentError } from '../../agent-error.ts';
import type { BesideResult, Clock, ExecOutput, LogChunk, LogRequest, RunRequest, Runtime, Usage } from '../../ports.ts';
import type { Observed } from '../../reconcile/model.ts';
import { AllocationFolder, runName } from './allocation-folder.ts';
import { giveSecrets, secretsEnvironment } from './give-secrets.ts';
import { killAll, signalGroup } from './kill-processes.ts';
import { pruneSegments } from './log-segments.ts';
import { type MachineUnits, readMachineUnits } from './machine-units.ts';
import { type ProcessIdentity, readBootId } from './process-identity.ts';
import { readProcessTable, sessionOf } from './process-table.ts';
import { readSegments } from './read-segments.ts';
import { runBeside } from './run-beside.ts';
import { installSupervisor } from './supervisor-script.ts';
import { TrackedRun } from './tracked-run.ts';
import { findUser, type UserAccount } from './user-account.ts';

export interface ProcessRuntimeOptions {
  /** Folder of its own; made if missing. */
  readonly folder: string;
  readonly clock: Clock;
  /** Size of one file of output. */
  readonly segmentBytes?: number;
  /** Of each stream of an allocation; the oldest files go first. */
  readonly logBytesMax?: number;
}

const SEGMENT_BYTES = 8 * 1024 * 1024;
const LOG_BYTES_MAX = 4 * SEGMENT_BYTES;
/** Notices come at once; this is the net below. Adopted processes whose supervisor was killed are seen only here. */
const LOOK_PERIOD_MS = 1_000;
const PRUNE_PERIOD_MS = 5_000;
/** Output of a run whose supervisor was killed counts as complete after this time. */
const DRAIN_MS_MAX = 2_000;
const START_MS_MAX = 10_000;
const LEADER_MS_MAX = 2_000;
const REFRESH_PERIOD_MS = 10;
const ID = /^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/;
/** Of the supervisor alone; the command has its own. */
const SUPERVISOR_ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

/** Opens the runtime without systemd: adopts what runs already. Rejects if this machine lacks what it needs. */
export async function openProcessRuntime(options: ProcessRuntimeOptions): Promise<ProcessRuntime> {
  if (process.platform !== 'linux') {
    throw new AgentError(
      'CELL_E_UNSUPPORTED',
      `Could not open the process runtime: it needs Linux, not "${process.platform}"`,
    );
  }
  makeFolder(options.folder, 0o700);
  // Passage only, so that other users' commands reach their own folder.
  if (process.getuid?.() === 0) await chmod(options.folder, 0o711);
  const script = await installSupervisor(options.folder);
  return new ProcessRuntime(options, script, await readMachineUnits());
}

class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly #options: ProcessRuntimeOptions;
  readonly #script: string;
  readonly #units: MachineUnits;
  readonly #bootId = readBootId();
  readonly #runs = new Map<string, TrackedRun>();
  /** Killing of what ended runs have left behind. */
  readonly #sweeps = new Map<string, Promise<void>>();
  readonly #listeners: ((id: string) => void)[] = [];
  readonly #timers: (() => void)[];

  constructor(options: ProcessRuntimeOptions, script: string, units: MachineUnits) {
    this.#options = options;
    this.#script = script;
    this.#units = units;
    for (const id of this.known()) {
      const run = this.#folder(id).newestRun();
      if (run > 0) this.#track(id, run);
    }
    this.#timers = [
      options.clock.every(LOOK_PERIOD_MS, () => this.#look()),
      options.clock.every(PRUNE_PERIOD_MS, () => void this.#prune()),
    ];
  }

  capabilities(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  known(): readonly string[] {
    return readdirSync(this.#options.folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && ID.test(entry.name))
      .map((entry) => entry.name);
  }

  workFolder(id: string): string {
    return this.#folder(id).work;
  }

  async start(request: RunRequest): Promise<void> {
    const { id, run } = request;
    const folder = this.#folder(id);
    await this.#sweeps.get(id);
    if (!folder.claimed(run)) {
      const user = await findUser(request.user);
      await this.#prepare(folder, request, user);
      await this.#spawn(folder, request, user);
    }
    const tracked = this.#runs.get(id)?.run === run ? this.#runs.get(id)! : this.#track(id, run);
    await this.#begun(tracked, request);
  }

  observe(id: string, run: number): Observed {
    const tracked = this.#runs.get(id);
    return tracked?.run === run ? tracked.observed : { state: 'none' };
  }

  async signal(id: string, signal: string): Promise<void> {
    const leader = await this.#leader(id);
    if (leader !== undefined) signalGroup(leader, signal);
  }

  async kill(id: string): Promise<void> {
    await killAll(id, await this.#leader(id));
  }

  async usage(): Promise<ReadonlyMap<string, Usage>> {
    const running = [...this.#runs].filter(([, tracked]) => tracked.observed.state === 'running');
    if (running.length === 0) return new Map();
    const table = await readProcessTable();
    const readAtMs = this.#options.clock.wallMs();
    return new Map(
      running.map(([id, tracked]) => {
        const processes = tracked.leader === undefined ? [] : sessionOf(tracked.leader, table);
        const cpuTicks = processes.reduce((sum, stat) => sum + stat.cpuTicks, 0);
        const memoryPages = processes.reduce((sum, stat) => sum + stat.memoryPages, 0);
        const cpuTimeMs = Math.round((cpuTicks * 1_000) / this.#units.ticksPerSecond);
        const memoryBytes = memoryPages * this.#units.pageBytes;
        return [id, { cpuTimeMs, memoryBytes, processes: processes.length, readAtMs }];
      }),
    );
  }

  async runBeside(request: RunRequest, timeoutMs: number): Promise<BesideResult> {
    const user = await findUser(request.user);
    const environment = { ...request.environment, ...secretsEnvironment(request.secretsFolder) };
    const whole = { ...request, environment, workingDirectory: this.#directory(request) };
    return runBeside(this.#script, whole, user, timeoutMs);
  }

  exec(): AsyncIterable<ExecOutput> {
    const why = 'the process runtime of this node shuts nothing off that could be entered';
    throw new AgentError('CELL_E_UNSUPPORTED', `Could not run a command in an allocation: ${why}`);
  }

  readLogs(id: string, request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
    if (request.sinceMs !== undefined || request.cursor !== undefined) {
      const why = 'the process runtime of this node does not know when or where; leave "since" and the cursor out';
      throw new AgentError('CELL_E_UNSUPPORTED', `Could not read output from a certain place of "${id}" on: ${why}`);
    }
    const folder = this.#folder(id);
    if (!existsSync(folder.logs)) {
      throw new AgentError(
        'CELL_E_NOT_FOUND',
        `Could not read the output of allocation "${id}": this node keeps none of it`,
      );
    }
    return readSegments(folder.logs, request, () => !request.mayGoOn() && this.#complete(id), signal);
  }

  async remove(id: string): Promise<void> {
    await this.kill(id);
    const deadlineMs = this.#deadlineMs(DRAIN_MS_MAX);
    // A supervisor that still writes would be in the way of the deletion.
    while (this.#runs.has(id) && !this.#complete(id) && !this.#isPast(deadlineMs)) await this.#refreshSoon(id);
    this.#runs.get(id)?.close();
    this.#runs.delete(id);
    await this.#sweeps.get(id);
    await rm(this.#folder(id).path, { recursive: true, force: true, maxRetries: 3 });
  }

  onChange(listener: (id: string) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    for (const stop of this.#timers) stop();
    for (const tracked of this.#runs.values()) tracked.close();
    this.#listeners.length = 0;
    await Promise.all(this.#sweeps.values());
  }

  #folder(id: string): AllocationFolder {
    if (!ID.test(id)) throw new AgentError('CELL_E_CANNOT_RUN', `Could not use "${id}" as the id of an allocation`);
    return new AllocationFolder(join(this.#options.folder, id));
  }

  #directory(request: RunRequest): string {
    return request.workingDirectory === '' ? this.#folder(request.id).work : request.workingDirectory;
  }

  #track(id: string, run: number): TrackedRun {
    this.#runs.get(id)?.close();
    const folder = this.#folder(id);
    const tracked = new TrackedRun({
      folder,
      run,
      bootId: this.#bootId,
      monotonicMs: () => this.#options.clock.monotonicMs(),
      onChange: () => this.#changed(id),
    });
    this.#runs.set(id, tracked);
    if (tracked.observed.state !== 'none') this.#changed(id);
    return tracked;
  }

  /** What an ended command has left behind would hold the next one's ports: it ends with it, as under systemd. */
  #changed(id: string): void {
    const tracked = this.#runs.get(id);
    if (tracked?.observed.state === 'ended' && !this.#sweeps.has(id)) {
      const sweep = killAll(id, tracked.leader).finally(() => this.#sweeps.delete(id));
      this.#sweeps.set(id, sweep);
    }
    for (const listener of this.#listeners) listener(id);
  }

  async #prepare(folder: AllocationFolder, request: RunRequest, user: UserAccount | undefined): Promise<void> {
    try {
      const environment = { ...request.environment, ...secretsEnvironment(request.secretsFolder) };
      await folder.prepare(request.run, environment, user);
      if (request.secretsFolder !== '' && user !== undefined) await giveSecrets(request.secretsFolder, user);
      await folder.markBoot(request.run, this.#bootId);
    } catch (error) {
      if (error instanceof AgentError) throw error;
      const why = (error as Error).message;
      throw new AgentError('CELL_E_CANNOT_RUN', `Could not make the folder of the allocation: ${why}`, {
        cause: error,
      });
    }
  }

  #spawn(folder: AllocationFolder, request: RunRequest, user: UserAccount | undefined): Promise<void> {
    const { run } = request;
    const segmentBytes = `${this.#options.segmentBytes ?? SEGMENT_BYTES}`;
    const account = [`${user?.uid ?? ''}`, `${user?.gid ?? ''}`];
    const place = [folder.run(run), folder.logs, runName(run), segmentBytes, this.#directory(request)];
    const child = spawn('/bin/sh', [this.#script, 'supervise', ...place, ...account, ...request.command], {
      cwd: '/',
      detached: true,
      stdio: 'ignore',
      env: SUPERVISOR_ENVIRONMENT,
    });
    child.unref();
    return new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => {
        const message = `Could not start "/bin/sh" as supervisor of allocation "${request.id}": ${error.message}`;
        reject(new AgentError('CELL_E_CANNOT_RUN', message, { cause: error }));
      });
    });
  }

  /** Waits until the command runs, or will never run. */
  async #begun(tracked: TrackedRun, { id }: RunRequest): Promise<void> {
    const deadlineMs = this.#deadlineMs(START_MS_MAX);
    while (!['running', 'ended'].includes(tracked.observed.state) && !this.#isPast(deadlineMs))
      await this.#refreshSoon(id);
    if (tracked.observed.state !== 'none') return;
    throw new AgentError('CELL_E_CANNOT_RUN', `Could not see allocation "${id}" start within ${START_MS_MAX} ms`);
  }

  /** The process of the current run; one that is about to be there is waited for, so that no signal is lost. */
  async #leader(id: string): Promise<ProcessIdentity | undefined> {
    const tracked = this.#runs.get(id);
    tracked?.refresh();
    const deadlineMs = this.#deadlineMs(LEADER_MS_MAX);
    while (tracked?.observed.state === 'starting' && !this.#isPast(deadlineMs)) {
      await this.#refreshSoon(id);
    }
    return tracked?.leader;
  }

  async #refreshSoon(id: string): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#options.clock.after(REFRESH_PERIOD_MS, resolve);
    });
    this.#runs.get(id)?.refresh();
  }

  #deadlineMs(afterMs: number): number {
    return this.#options.clock.monotonicMs() + afterMs;
  }

  #isPast(deadlineMs: number): boolean {
    return this.#options.clock.monotonicMs() > deadlineMs;
  }

  #look(): void {
    for (const tracked of this.#runs.values()) tracked.refresh();
  }

  async #prune(): Promise<void> {
    const live = [...this.#runs].filter(([, tracked]) => tracked.observed.state === 'running');
    for (const [id] of live) await pruneSegments(this.#folder(id).logs, this.#options.logBytesMax ?? LOG_BYTES_MAX);
  }

  /** Whether no output will follow. */
  #complete(id: string): boolean {
    const tracked = this.#runs.get(id);
    if (tracked === undefined) return true;
    if (tracked.endedForMs === undefined) return false;
    return tracked.endedForMs > DRAIN_MS_MAX || this.#folder(id).drained(tracked.run);
  }
}

export type { ProcessRuntime };
