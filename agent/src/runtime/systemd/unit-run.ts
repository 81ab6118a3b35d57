import type { Ended, Observed } from '../../reconcile/model.ts';
import { describeRunEnd, unknownEnd } from './describe-run-end.ts';
import type { RunNote, RunNotes } from './run-notes.ts';
import type { ListedUnit, MainProcess, SystemdManager } from './systemd-manager.ts';

/** What all runs of a runtime share. */
export interface UnitRunContext {
  readonly manager: SystemdManager;
  readonly notes: RunNotes;
  /** Of this start of the machine. */
  readonly bootId: string;
  readonly onChange: (run: UnitRun) => void;
}

export interface UnitRunOptions {
  readonly id: string;
  readonly note: RunNote;
  /** On the machine's monotonic clock: events on a process that was started before are about an earlier run. */
  readonly notBeforeUs?: bigint;
}

const SIGKILL = 9;

/**
 * One run of an allocation, as its transient unit: what systemd tells of it becomes what is observed. An end is noted
 * first, then told of, then the unit is taken out of systemd: so it is found whenever the agent is killed in between.
 */
export class UnitRun {
  readonly id: string;
  readonly #context: UnitRunContext;
  readonly #notBeforeUs: bigint;
  #note: RunNote;
  #observed: Observed;
  /** Whether systemd has told of the unit: only then can it go away. */
  #loaded = false;
  #starting: Promise<void> | undefined;
  /** What came while it was being started, and waits for how that ends; 'missed': something may have come unheard. */
  #heard: MainProcess | 'missed' | undefined;
  #release: Promise<void> | undefined;

  constructor(context: UnitRunContext, { id, note, notBeforeUs = 0n }: UnitRunOptions) {
    this.id = id;
    this.#context = context;
    this.#note = note;
    this.#notBeforeUs = notBeforeUs;
    this.#observed = note.ended ?? { state: 'starting' };
  }

  get note(): RunNote {
    return this.#note;
  }

  get observed(): Observed {
    return this.#observed;
  }

  get isStarting(): boolean {
    return this.#starting !== undefined;
  }

  /** Carries out its start. What it rejects with, this does. */
  async start(work: () => Promise<void>): Promise<void> {
    this.#starting = work();
    try {
      await this.#starting;
      // Not before: without a note and without a unit it is certain that it never ran.
      this.#context.notes.write(this.id, this.#note);
    } finally {
      this.#starting = undefined;
    }
    if (this.#heard !== undefined && this.#heard !== 'missed') {
      this.#mainEnded(this.#heard);
      return;
    }
    this.#see({ state: 'running' });
    if (this.#heard === 'missed') this.#lookSoon();
  }

  /** Resolves when no start is under way, however it ended; rejects never. */
  async started(): Promise<void> {
    await this.#starting?.catch(() => undefined);
  }

  /** systemd told how its main process is. */
  changed(main: MainProcess): void {
    if (main.startedAtUs < this.#notBeforeUs) return;
    this.#loaded = true;
    if (this.#observed.state === 'ended') return;
    if (main.mainPid !== 0) {
      if (this.#starting === undefined) this.#see({ state: 'running' });
      return;
    }
    if (main.code === 0) return;
    if (this.#starting === undefined) {
      this.#mainEnded(main);
      return;
    }
    this.#heard = main;
    // Its start is not over before the last of its processes has ended, and what is left may be in no hurry.
    if (!this.#note.asksForOom) void this.#killAll().catch(() => undefined);
  }

  /** systemd has forgotten its unit: for good, or only while it loads all units anew. */
  removed(): void {
    if (!this.#loaded || this.#observed.state === 'ended') return;
    if (this.#starting !== undefined) this.#heard ??= 'missed';
    else this.#lookSoon();
  }

  /** Compares with what systemd has now, after events may have been missed; undefined: no such unit. */
  async compare(listed: ListedUnit | undefined): Promise<void> {
    if (this.#starting !== undefined) {
      this.#heard ??= 'missed';
      return;
    }
    if (this.#observed.state === 'ended') {
      if (listed !== undefined) await this.letGo();
      return;
    }
    if (listed === undefined) {
      this.#end(this.#unknown());
      return;
    }
    this.#loaded = true;
    if (listed.subState === 'running') this.#see({ state: 'running' });
    else await this.#look();
  }

  /** Kills what is left of it and takes its unit out of systemd. Rejects if the bus is away. */
  async letGo(): Promise<void> {
    await this.started();
    this.#release ??= this.#takeAway();
    try {
      await this.#release;
    } catch (error) {
      this.#release = undefined;
      throw error;
    }
  }

  /** Should the bus be away now, all is compared when it is back. */
  #lookSoon(): void {
    void this.#look().catch(() => undefined);
  }

  async #look(): Promise<void> {
    const state = await this.#context.manager.unit(this.#note.unit);
    if (this.#observed.state === 'ended' || this.#starting !== undefined) return;
    if (state === undefined) this.#end(this.#unknown());
    else if (state.main.code !== 0) this.#mainEnded(state.main);
    else if (state.activeState === 'failed') this.#end(unknownEnd(`Its unit failed with "${state.main.result}"`));
    // An earlier process of the agent began its start, and nobody was there to hear how that ended.
    else if (state.main.mainPid !== 0) this.#see({ state: 'running' });
  }

  #mainEnded(main: MainProcess): void {
    // The question runs as the last command of the unit: it would be killed with what is left.
    if (this.#note.asksForOom && main.result !== 'success') void this.#askForOom().catch(() => undefined);
    else this.#end(describeRunEnd(main, this.#note));
  }

  async #askForOom(): Promise<void> {
    const state = await this.#context.manager.unit(this.#note.unit);
    // Comes here again when there is news of the unit: at the latest when its last command has ended.
    if (this.#observed.state === 'ended' || (state !== undefined && state.activeState !== 'failed')) return;
    this.#end(state === undefined ? this.#unknown() : describeRunEnd(state.main, this.#note));
  }

  #unknown(): Ended {
    const { bootId, unit } = this.#note;
    if (bootId !== this.#context.bootId) return unknownEnd('The machine was started again while it ran');
    return unknownEnd(`Its unit "${unit}" was stopped by somebody else, so that its exit code is not known`);
  }

  #end(ended: Ended): void {
    this.#note = { ...this.#note, ended };
    this.#context.notes.write(this.id, this.#note);
    this.#see(ended);
    // Failing that, it is done before the next start, or when all is compared again.
    void this.letGo().catch(() => undefined);
  }

  #see(observed: Observed): void {
    const before = this.#observed.state;
    this.#observed = observed;
    if (before !== observed.state) this.#context.onChange(this);
  }

  #killAll(): Promise<void> {
    return this.#context.manager.killUnit(this.#note.unit, SIGKILL, 'all');
  }

  /** What its processes have left behind ends with it; and no end stays as a failed unit, for people to wonder about. */
  async #takeAway(): Promise<void> {
    const { manager } = this.#context;
    await this.#killAll();
    await manager.stopUnit(this.#note.unit);
    await manager.resetFailed(this.#note.unit);
  }
}
