import { join } from 'node:path';
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
import type { Observed } from '../../reconcile/model.ts';
import { readMachineUnits } from '../process/machine-units.ts';
import { isRefusal } from './bus-connection.ts';
import { findCapabilities } from './capabilities.ts';
import { cgroupVersion } from './cgroup-version.ts';
import { checkRequest, deviceGroupsOf, explainNotExecuted } from './check-request.ts';
import type { EnteredUnit } from './exec/helper-unit.ts';
import { UnitExec } from './exec/unit-exec.ts';
import { readJournal } from './journal/read-journal.ts';
import { type RunNote, RunNotes } from './run-notes.ts';
import { SystemdManager, type UnitProperty } from './systemd-manager.ts';
import { asksForOom, SLICE, signalNumber, type UnitPlace, unitNameOf, unitProperties } from './unit-properties.ts';
import type { UnitRun } from './unit-run.ts';
import { UnitRuns } from './unit-runs.ts';
import { UsageReader } from './usage/read-usage.ts';
import { removeWorkFolder, workFolderOf } from './work-folder.ts';

export interface SystemdRuntimeOptions {
  /** Folder of its own, for notes on runs; made if missing. */
  readonly folder: string;
  /** See `UnitPlace`. */
  readonly secretsFolder: string;
  readonly hiddenPaths: readonly string[];
  readonly clock: Clock;
  readonly onClosed?: () => Promise<void>;
  /** Of the system bus. */
  readonly socketPath?: string;
}

interface Parts {
  readonly options: SystemdRuntimeOptions;
  readonly manager: SystemdManager;
  readonly notes: RunNotes;
  readonly runs: UnitRuns;
  readonly usage: UsageReader;
  readonly exec: UnitExec;
}

/** A unit that was let go of is forgotten in the next turn of systemd's loop, and can be made anew then. */
const START_TRIES_MAX = 50;
const START_AGAIN_MS = 20;
const REMOVE_MS_MAX = 10_000;
const SIGKILL = 9;
/** Beside the notes on runs; no allocation can be called like this. */
const EXEC_FOLDER = '.exec';

/** Opens the runtime whose runs are transient units of systemd: adopts what runs already. */
export async function openSystemdRuntime(options: SystemdRuntimeOptions): Promise<SystemdRuntime> {
  const { clock, socketPath } = options;
  const usage = new UsageReader(await readMachineUnits());
  const manager = await SystemdManager.open({ clock, ...(socketPath === undefined ? {} : { socketPath }) });
  try {
    const notes = new RunNotes(options.folder);
    const runs = new UnitRuns({ manager, notes, clock });
    await runs.adopt();
    const locate = (id: string, run: number): Promise<EnteredUnit | undefined> =>
      locateUnit(runs.get(id), run, manager);
    const exec = await UnitExec.open({ manager, locate, folder: join(options.folder, EXEC_FOLDER) });
    return new SystemdRuntime({ options, manager, notes, runs, usage, exec });
  } catch (error) {
    await manager.close();
    throw error;
  }
}

class SystemdRuntime implements Runtime {
  readonly name = 'systemd';
  readonly #parts: Parts;
  readonly #place: Omit<UnitPlace, 'deviceGroups'>;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { secretsFolder, hiddenPaths } = parts.options;
    this.#place = { secretsFolder, hiddenPaths, cgroupVersion: cgroupVersion() };
  }

  capabilities(): Promise<readonly string[]> {
    const { manager, runs, options } = this.#parts;
    const cacheFile = join(options.folder, 'capabilities');
    return findCapabilities({ manager, place: this.#place, cacheFile, key: runs.bootId });
  }

  known(): readonly string[] {
    const { runs, notes } = this.#parts;
    return [...new Set([...runs.all().map(({ id }) => id), ...notes.ids()])];
  }

  workFolder(id: string): string {
    return workFolderOf(id);
  }

  async start(request: RunRequest): Promise<void> {
    const { runs } = this.#parts;
    const before = runs.get(request.id);
    if (before?.note.run === request.run) return before.started();
    await checkRequest(request, this.#place.secretsFolder);
    await before?.letGo();
    const place: UnitPlace = { ...this.#place, deviceGroups: await deviceGroupsOf(request) };
    const run = runs.begin(request.id, this.#noteOf(request, place));
    try {
      await run.start(() => this.#start(request, unitProperties(request, place)));
    } catch (error) {
      runs.forget(run);
      throw error;
    }
  }

  observe(id: string, run: number): Observed {
    const found = this.#parts.runs.get(id);
    return found?.note.run === run ? found.observed : { state: 'none' };
  }

  /** As `systemctl stop` does: to every process of the unit. */
  async signal(id: string, signal: string): Promise<void> {
    await this.#signal(id, signalNumber(signal));
  }

  async kill(id: string): Promise<void> {
    await this.#signal(id, SIGKILL);
  }

  usage(): Promise<ReadonlyMap<string, Usage>> {
    const readAtMs = this.#parts.options.clock.wallMs();
    const running = this.#parts.runs.all().filter(({ observed }) => observed.state === 'running');
    const controlGroups = new Map(running.map(({ id, note }) => [id, `/${SLICE}/${note.unit}`]));
    return this.#parts.usage.usages(controlGroups, readAtMs);
  }

  runBeside(request: RunRequest, timeoutMs: number): Promise<BesideResult> {
    return this.#parts.exec.runBeside(request, timeoutMs);
  }

  exec(request: ExecRequest, input: AsyncIterable<ExecInput>, signal: AbortSignal): AsyncIterable<ExecOutput> {
    return this.#parts.exec.exec(request, input, signal);
  }

  async *readLogs(id: string, request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
    const { runs } = this.#parts;
    const run = runs.get(id);
    if (run === undefined) {
      const why = 'this node keeps none of it';
      throw new AgentError('CELL_E_NOT_FOUND', `Could not read the output of allocation "${id}": ${why}`);
    }
    const isComplete = (): boolean => {
      const newest = runs.get(id);
      return newest === undefined || (newest.observed.state === 'ended' && !request.mayGoOn());
    };
    yield* readJournal({ id, unit: run.note.unit, request, isComplete }, signal);
  }

  async remove(id: string): Promise<void> {
    const { runs, notes, manager } = this.#parts;
    const run = runs.get(id);
    await this.kill(id);
    if (run !== undefined) await this.#awaitEnd(run);
    await run?.letGo();
    await removeWorkFolder(manager, id);
    notes.remove(id);
    if (run !== undefined) runs.forget(run);
  }

  onChange(listener: (id: string) => void): void {
    this.#parts.runs.onChange(listener);
  }

  async close(): Promise<void> {
    this.#parts.runs.close();
    await this.#parts.manager.close();
    await this.#parts.options.onClosed?.();
  }

  #noteOf(request: RunRequest, place: UnitPlace): RunNote {
    return {
      run: request.run,
      unit: unitNameOf(request),
      bootId: this.#parts.runs.bootId,
      asksForOom: asksForOom(request, place),
      memoryMaxMib: request.isolation.limits.memoryMaxMib,
    };
  }

  async #start(request: RunRequest, properties: readonly UnitProperty[]): Promise<void> {
    const unit = unitNameOf(request);
    try {
      await this.#startUnit(unit, properties);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      await this.#parts.manager.resetFailed(unit);
      const why = await explainNotExecuted(request, error);
      throw why === undefined ? error : new AgentError('CELL_E_CANNOT_RUN', why, { cause: error });
    }
  }

  async #startUnit(unit: string, properties: readonly UnitProperty[]): Promise<void> {
    const { manager, runs } = this.#parts;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await manager.startUnit(unit, properties);
        return;
      } catch (error) {
        if (!isRefusal(error, 'UnitExists') || attempt === START_TRIES_MAX) throw error;
        await manager.stopUnit(unit);
        await manager.resetFailed(unit);
        await runs.change(START_AGAIN_MS);
      }
    }
  }

  /** One that is about to start is waited for, so that no signal is lost. */
  async #signal(id: string, signal: number): Promise<void> {
    const run = this.#parts.runs.get(id);
    await run?.started();
    if (run === undefined || run.observed.state === 'ended') return;
    await this.#parts.manager.killUnit(run.note.unit, signal, 'all');
  }

  /** Not for ever: a process in the kernel's hands may not end, and systemd gives up on it too. */
  async #awaitEnd(run: UnitRun): Promise<void> {
    const { clock } = this.#parts.options;
    const deadlineMs = clock.monotonicMs() + REMOVE_MS_MAX;
    const leftMs = (): number => deadlineMs - clock.monotonicMs();
    while (run.observed.state !== 'ended' && this.#parts.runs.get(run.id) === run && leftMs() > 0) {
      await this.#parts.runs.change(leftMs());
    }
  }
}

async function locateUnit(
  found: UnitRun | undefined,
  run: number,
  manager: SystemdManager,
): Promise<EnteredUnit | undefined> {
  if (found?.note.run !== run || found.observed.state !== 'running') return undefined;
  const state = await manager.unit(found.note.unit);
  if (state === undefined) return undefined;
  const { controlGroup, workingDirectory, filtersSystemCalls, main } = state;
  return { controlGroup, workingDirectory, filtersSystemCalls, mainPid: main.mainPid };
}

export type { SystemdRuntime };
