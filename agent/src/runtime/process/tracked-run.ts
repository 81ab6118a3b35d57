import { type FSWatcher, watch } from 'node:fs';
import type { Ended, Observed } from '../../reconcile/model.ts';
import type { AllocationFolder } from './allocation-folder.ts';
import { isAlive, type ProcessIdentity, readLiving } from './process-identity.ts';

/** A supervisor that took a run on has written who it is within this time, or never will. */
const SUPERVISOR_SILENT_MS_MAX = 10_000;

export interface TrackedRunOptions {
  readonly folder: AllocationFolder;
  readonly run: number;
  readonly bootId: string;
  readonly monotonicMs: () => number;
  readonly onChange: () => void;
}

/** Follows one run by the files that its supervisor writes, so that it makes no difference who started it. */
export class TrackedRun {
  readonly run: number;
  readonly #options: TrackedRunOptions;
  readonly #sinceMs: number;
  #observed: Observed = { state: 'none' };
  #endedAtMs: number | undefined;
  #leader: ProcessIdentity | undefined;
  #watcher: FSWatcher | undefined;

  constructor(options: TrackedRunOptions) {
    this.#options = options;
    this.run = options.run;
    this.#sinceMs = options.monotonicMs();
    this.#watch();
    // Whoever makes it looks at what it found: told of it, they would not have it yet.
    this.#update();
  }

  get observed(): Observed {
    return this.#observed;
  }

  /** The process that the command runs in; undefined before there is one. */
  get leader(): ProcessIdentity | undefined {
    return this.#leader;
  }

  /** Undefined until it has ended. */
  get endedForMs(): number | undefined {
    return this.#endedAtMs === undefined ? undefined : this.#options.monotonicMs() - this.#endedAtMs;
  }

  /** Reads again what the supervisor has written; also called now and then, in case a notice got lost. */
  refresh(): void {
    if (this.#update()) this.#options.onChange();
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** Whether its state is another one now. */
  #update(): boolean {
    if (this.#observed.state === 'ended') return false;
    const next = this.#look();
    if (next.state === this.#observed.state) return false;
    this.#observed = next;
    if (next.state === 'ended') {
      this.#endedAtMs = this.#options.monotonicMs();
      this.close();
    }
    return true;
  }

  #look(): Observed {
    const { folder, bootId } = this.#options;
    this.#leader ??= folder.leader(this.run);
    const ended = folder.ended(this.run);
    if (ended !== undefined) return ended;
    if (!folder.claimed(this.run)) return { state: 'none' };
    if (folder.bootId(this.run) !== bootId) return unknownEnd('The machine was started again while it ran');
    const process = this.#leader && readLiving(this.#leader);
    // Before it has entered its own session, it would not get what is sent to that.
    if (process !== undefined) return { state: process.session === process.pid ? 'running' : 'starting' };
    if (this.#supervisorLives()) return this.#leader === undefined ? { state: 'starting' } : this.#observed;
    // It may have written the exit code between our two looks.
    return folder.ended(this.run) ?? unknownEnd('Its supervisor was killed, so that its exit code is not known');
  }

  #supervisorLives(): boolean {
    const supervisor = this.#options.folder.supervisor(this.run);
    if (supervisor !== undefined) return isAlive(supervisor);
    return this.#options.monotonicMs() - this.#sinceMs < SUPERVISOR_SILENT_MS_MAX;
  }

  #watch(): void {
    try {
      this.#watcher = watch(this.#options.folder.run(this.run), { persistent: false }, () => this.refresh());
      this.#watcher.on('error', () => this.close());
    } catch {
      // Out of watches, or the folder is gone: the slow look goes on.
    }
  }
}

function unknownEnd(message: string): Ended {
  return { state: 'ended', exitCode: undefined, cannotRun: '', message };
}
