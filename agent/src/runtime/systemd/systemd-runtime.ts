import { rm } from 'node:fs/promises';
import { AgentError } from '../../agent-error.ts';
import type {
  BesideResult,
  Clock,
  ExecInput,
  ExecOutput,
  ExecRequest,
  LogChunk,
  LogRequest,
  RunRequest,
  Runtime,
  Usage,
} from '../../ports.ts';
import type { Ended, Observed } from '../../reconcile/model.ts';
import { readMachineUnits } from '../process/machine-units.ts';
import { readBootId } from '../process/process-identity.ts';
import { isRefusal } from './bus-connection.ts';
import { findCapabilities } from './capabilities.ts';
import { cgroupVersion } from './cgroup-version.ts';
import { checkRequest, deviceGroupsOf, explainNotExecuted } from './check-request.ts';
import { describeRunEnd, unknownEnd } from './describe-run-end.ts';
import { readJournal } from './journal/read-journal.ts';
import { type RunNote, RunNotes } from './run-notes.ts';
import { type MainProcess, SystemdManager, type UnitEvent } from './systemd-manager.ts';
import {
  asksForOom,
  parseRun,
  SLICE,
  signalNumber,
  type UnitPlace,
  unitNameOf,
  unitProperties,
  workFolderOf,
  workFolderPlaces,
} from './unit-properties.ts';
import { UsageReader } from './usage/read-usage.ts';

export interface SystemdRuntimeOptions {
  /** Folder of its own, for notes on runs; made if missing. */
  readonly folder: string;
  /** See `UnitPlace`. */
  readonly secretsFolder: string;
  readonly hiddenPaths: readonly string[];
  readonly clock: Clock;
  /** Of the system bus. */
  readonly socketPath?: string;
}

/** One run of an allocation, the newest one that is known. */
interface TrackedRun {
  note: RunNote;
  observed: Observed;
  /** Whether systemd has told of its unit: only then can it go away. */
  loaded: boolean;
  /** Its main process was started then or later, on the monotonic clock: late events are about the run before. */
  readonly notBeforeUs: bigint;
  /** Under way from `start`; rejects as that does. What is heard meanwhile waits for how that ends. */
  starting: Promise<void> | undefined;
  heard: MainProcess | 'removed' | undefined;
  /** Taking what is left out of systemd, once it has ended. */
  release: Promise<void> | undefined;
}

const PATTERN = 'cell-*.service';
/** A unit that was let go of is forgotten in the next turn of systemd's loop. */
const START_TRIES_MAX = 50;
const START_AGAIN_MS = 20;
const REMOVE_MS_MAX = 10_000;
const SIGKILL = 9;

/** Opens the runtime whose runs are transient units of systemd: adopts what runs already. */
export async function openSystemdRuntime(options: SystemdRuntimeOptions): Promise<SystemdRuntime> {
  const { clock, socketPath } = options;
  const manager = await SystemdManager.open({ clock, ...(socketPath === undefined ? {} : { socketPath }) });
  try {
    const runtime = new SystemdRuntime(options, manager, new UsageReader(await readMachineUnits()));
    await runtime.adopt();
    return runtime;
  } catch (error) {
    await manager.close();
    throw error;
  }
}

class SystemdRuntime implements Runtime {
  readonly name = 'systemd';
  readonly #options: SystemdRuntimeOptions;
  readonly #manager: SystemdManager;
  readonly #notes: RunNotes;
  readonly #usage: UsageReader;
  readonly #bootId = readBootId();
  readonly #place: Omit<UnitPlace, 'deviceGroups'>;
  readonly #runs = new Map<string, TrackedRun>();
  /** Ids of allocations, by the names of their units. */
  readonly #ids = new Map<string, string>();
  readonly #listeners: ((id: string) => void)[] = [];
  /** Told when anything has changed. */
  #wake: (() => void)[] = [];

  constructor(options: SystemdRuntimeOptions, manager: SystemdManager, usage: UsageReader) {
    this.#usage = usage;
    this.#options = options;
    this.#manager = manager;
    this.#notes = new RunNotes(options.folder);
    const { secretsFolder, hiddenPaths } = options;
    this.#place = { secretsFolder, hiddenPaths, cgroupVersion: cgroupVersion() };
    manager.onEvent((event) => this.#heard(event));
  }

  capabilities(): Promise<readonly string[]> {
    return findCapabilities(this.#manager, this.#place);
  }

  known(): readonly string[] {
    return [...new Set([...this.#runs.keys(), ...this.#notes.ids()])];
  }

  workFolder(id: string): string {
    return workFolderOf(id);
  }

  async start(request: RunRequest): Promise<void> {
    const before = this.#runs.get(request.id);
    if (before?.note.run === request.run) return await before.starting;
    await checkRequest(request, this.#place.secretsFolder);
    await this.#letGo(before);
    const nowUs = BigInt(Math.floor(this.#options.clock.monotonicMs() * 1_000));
    const run = this.#track(request.id, this.#noteOf(request), { state: 'starting' }, nowUs);
    run.starting = this.#start(request, run);
    try {
      await run.starting;
    } catch (error) {
      if (this.#runs.get(request.id) === run) this.#runs.delete(request.id);
      throw error;
    } finally {
      run.starting = undefined;
    }
    this.#started(request.id, run);
  }

  observe(id: string, run: number): Observed {
    const tracked = this.#runs.get(id);
    return tracked?.note.run === run ? tracked.observed : { state: 'none' };
  }

  /** As `systemctl stop` does: to every process of the unit. */
  async signal(id: string, signal: string): Promise<void> {
    await this.#kill(id, signalNumber(signal));
  }

  async kill(id: string): Promise<void> {
    await this.#kill(id, SIGKILL);
  }

  usage(): Promise<ReadonlyMap<string, Usage>> {
    const readAtMs = this.#options.clock.wallMs();
    const running = [...this.#runs].filter(([, { observed }]) => observed.state === 'running');
    const used = running.flatMap(([id, { note }]) => {
      const usage = this.#usage.usage(`/${SLICE}/${note.unit}`, readAtMs);
      return usage === undefined ? [] : [[id, usage] as const];
    });
    return Promise.resolve(new Map(used));
  }

  runBeside(): Promise<BesideResult> {
    throw new AgentError('CELL_E_UNSUPPORTED', 'Could not run a command beside an allocation');
  }

  exec(_request: ExecRequest, _input: AsyncIterable<ExecInput>, _signal: AbortSignal): AsyncIterable<ExecOutput> {
    throw new AgentError('CELL_E_UNSUPPORTED', 'Could not run a command in an allocation');
  }

  async *readLogs(id: string, request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
    const run = this.#runs.get(id);
    if (run === undefined) {
      const why = 'this node keeps none of it';
      throw new AgentError('CELL_E_NOT_FOUND', `Could not read the output of allocation "${id}": ${why}`);
    }
    const isComplete = (): boolean => {
      const newest = this.#runs.get(id);
      return newest === undefined || (newest.observed.state === 'ended' && !request.mayGoOn());
    };
    yield* readJournal({ id, unit: run.note.unit, request, isComplete }, signal);
  }

  async remove(id: string): Promise<void> {
    const tracked = this.#runs.get(id);
    await this.kill(id);
    const deadlineMs = this.#options.clock.monotonicMs() + REMOVE_MS_MAX;
    const leftMs = (): number => deadlineMs - this.#options.clock.monotonicMs();
    while (tracked !== undefined && tracked.observed.state !== 'ended' && leftMs() > 0) await this.#change(leftMs());
    await this.#letGo(tracked);
    this.#runs.delete(id);
    if (tracked !== undefined) this.#ids.delete(tracked.note.unit);
    for (const place of workFolderPlaces(id)) await rm(place, { recursive: true, force: true, maxRetries: 3 });
    this.#notes.remove(id);
  }

  onChange(listener: (id: string) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#listeners.length = 0;
    await Promise.allSettled([...this.#runs.values()].map(({ release }) => release));
    await this.#manager.close();
  }

  /** Takes up what an earlier process of the agent has started. */
  async adopt(): Promise<void> {
    for (const id of this.#notes.ids()) {
      const note = this.#notes.read(id);
      if (note !== undefined) this.#track(id, note, note.ended ?? { state: 'starting' });
    }
    await this.#lookAtAll();
  }

  /** Compares with what systemd has. What runs there is as it should be; all else is looked at more closely. */
  async #lookAtAll(): Promise<void> {
    const units = await this.#manager.listUnits(PATTERN);
    for (const { name, description, subState } of units) {
      const found = parseRun(description);
      if (found === undefined) continue;
      const known = this.#runs.get(found.id);
      if (known?.starting !== undefined) continue;
      // Killed between the start and the note on it.
      const run = known?.note.run === found.run ? known : this.#track(found.id, this.#noteFound(name, found.run));
      run.loaded = true;
      if (run.observed.state === 'ended') void this.#release(found.id, run);
      else if (subState === 'running') this.#see(found.id, run, { state: 'running' });
      else await this.#look(found.id, run);
    }
    const listed = new Set(units.map(({ name }) => name));
    for (const [id, run] of this.#runs) {
      if (run.observed.state !== 'ended' && run.starting === undefined && !listed.has(run.note.unit)) {
        this.#ended(id, run, unknownEnd(this.#whyGone(run.note)));
      }
    }
  }

  async #look(id: string, run: TrackedRun): Promise<void> {
    const state = await this.#manager.unit(run.note.unit);
    if (run.observed.state === 'ended' || run.starting !== undefined) return;
    if (state === undefined) this.#ended(id, run, unknownEnd(this.#whyGone(run.note)));
    else if (state.main.code !== 0) this.#mainEnded(id, run, state.main);
    else if (state.activeState === 'failed' || state.activeState === 'inactive') {
      this.#ended(id, run, unknownEnd(`Its unit ended as "${state.main.result}"`));
    }
  }

  #whyGone(note: RunNote): string {
    if (note.bootId !== this.#bootId) return 'The machine was started again while it ran';
    return `Its unit "${note.unit}" was stopped by somebody else, so that its exit code is not known`;
  }

  #noteOf(request: RunRequest): RunNote {
    const { memoryMaxMib } = request.isolation.limits;
    return {
      run: request.run,
      unit: unitNameOf(request),
      bootId: this.#bootId,
      asksForOom: asksForOom(request, { ...this.#place, deviceGroups: [] }),
      memoryMaxMib,
    };
  }

  #noteFound(unit: string, run: number): RunNote {
    return { run, unit, bootId: this.#bootId, asksForOom: false, memoryMaxMib: 0 };
  }

  #track(id: string, note: RunNote, observed: Observed = { state: 'starting' }, notBeforeUs = 0n): TrackedRun {
    const run: TrackedRun = {
      note,
      observed,
      loaded: false,
      notBeforeUs,
      starting: undefined,
      heard: undefined,
      release: undefined,
    };
    this.#runs.set(id, run);
    this.#ids.set(note.unit, id);
    return run;
  }

  async #start(request: RunRequest, run: TrackedRun): Promise<void> {
    const place: UnitPlace = { ...this.#place, deviceGroups: await deviceGroupsOf(request) };
    const properties = unitProperties(request, place);
    try {
      await this.#startUnit(run, properties);
    } catch (error) {
      await this.#manager.resetFailed(run.note.unit);
      if (!(error instanceof AgentError) || !error.message.includes('status 203')) throw error;
      const why = await explainNotExecuted(request);
      throw why === undefined ? error : new AgentError('CELL_E_CANNOT_RUN', why, { cause: error });
    }
    // Not before: without a note and without a unit it is certain that it never ran.
    this.#notes.write(request.id, run.note);
  }

  async #startUnit(run: TrackedRun, properties: ReturnType<typeof unitProperties>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#manager.startUnit(run.note.unit, properties);
        return;
      } catch (error) {
        if (!isRefusal(error, 'UnitExists') || attempt === START_TRIES_MAX) throw error;
        await this.#takeAway(run.note.unit);
        await this.#change(START_AGAIN_MS);
      }
    }
  }

  #heard(event: UnitEvent): void {
    if (event.type === 'reset') {
      void this.#lookAtAll().catch(() => undefined);
      return;
    }
    const id = this.#ids.get(event.unit);
    const run = id === undefined ? undefined : this.#runs.get(id);
    if (id === undefined || run === undefined) return;
    if (event.type === 'changed') this.#changed(id, run, event.main);
    else if (run.loaded) this.#removed(id, run);
    this.#awake();
  }

  #changed(id: string, run: TrackedRun, main: MainProcess): void {
    if (main.startedAtUs < run.notBeforeUs) return;
    run.loaded = true;
    if (run.observed.state === 'ended' || main.code === 0 || main.mainPid !== 0) return;
    if (run.starting === undefined) this.#mainEnded(id, run, main);
    else run.heard = main;
  }

  #removed(id: string, run: TrackedRun): void {
    if (run.starting !== undefined) run.heard ??= 'removed';
    else if (run.observed.state !== 'ended') this.#ended(id, run, unknownEnd(this.#whyGone(run.note)));
  }

  #started(id: string, run: TrackedRun): void {
    if (run.heard === undefined) this.#see(id, run, { state: 'running' });
    else if (run.heard === 'removed') this.#removed(id, run);
    else this.#mainEnded(id, run, run.heard);
  }

  #mainEnded(id: string, run: TrackedRun, main: MainProcess): void {
    if (run.note.asksForOom && main.result !== 'success') void this.#askForOom(id, run).catch(() => undefined);
    else this.#ended(id, run, describeRunEnd(main, run.note));
  }

  /** The question runs as the last command of the unit, and must not be killed: so nothing else is done until then. */
  async #askForOom(id: string, run: TrackedRun): Promise<void> {
    const state = await this.#manager.unit(run.note.unit);
    if (run.observed.state === 'ended') return;
    // It comes here again when there is news of the unit.
    if (state !== undefined && state.activeState !== 'failed') return;
    const main = state?.main;
    this.#ended(id, run, main === undefined ? unknownEnd(this.#whyGone(run.note)) : describeRunEnd(main, run.note));
  }

  #ended(id: string, run: TrackedRun, ended: Ended): void {
    run.note = { ...run.note, ended };
    this.#notes.write(id, run.note);
    this.#see(id, run, ended);
    void this.#release(id, run);
  }

  #see(id: string, run: TrackedRun, observed: Observed): void {
    const before = run.observed.state;
    run.observed = observed;
    this.#awake();
    if (before === observed.state) return;
    for (const listener of this.#listeners) listener(id);
  }

  /** What its processes have left behind ends with it, and systemd forgets it, so that no end stays as a failed unit. */
  #release(id: string, run: TrackedRun): Promise<void> {
    run.release ??= this.#takeAway(run.note.unit).catch(() => {
      // Not now: the bus is away. It is done before the next start, or when all is looked at again.
      if (this.#runs.get(id) === run) run.release = undefined;
    });
    return run.release;
  }

  async #takeAway(unit: string): Promise<void> {
    await this.#manager.killUnit(unit, SIGKILL, 'all');
    await this.#manager.stopUnit(unit);
    await this.#manager.resetFailed(unit);
  }

  async #letGo(run: TrackedRun | undefined): Promise<void> {
    if (run === undefined) return;
    await run.starting?.catch(() => undefined);
    await (run.release ?? this.#takeAway(run.note.unit));
  }

  /** One that is about to start is waited for, so that no signal is lost. */
  async #kill(id: string, signal: number): Promise<void> {
    const run = this.#runs.get(id);
    await run?.starting?.catch(() => undefined);
    if (run === undefined || run.observed.state === 'ended') return;
    await this.#manager.killUnit(run.note.unit, signal, 'all');
  }

  /** Resolves when anything has changed, or after the time. */
  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(Math.max(0, withinMs), resolve);
      this.#wake.push(() => {
        cancel();
        resolve();
      });
    });
  }

  #awake(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}

export type { SystemdRuntime };
