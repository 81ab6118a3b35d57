import type { Clock } from '../../ports.ts';
import { readBootId } from '../process/process-identity.ts';
import type { RunNote, RunNotes } from './run-notes.ts';
import type { ListedUnit, SystemdManager, UnitEvent } from './systemd-manager.ts';
import { parseRun } from './unit-properties.ts';
import { UnitRun, type UnitRunContext } from './unit-run.ts';

export interface UnitRunsOptions {
  readonly manager: SystemdManager;
  readonly notes: RunNotes;
  readonly clock: Clock;
}

/** Helpers have such names too: what a unit is, its description says. */
const PATTERN = 'cell-*.service';
const LOOK_AGAIN_MS = 1_000;

/** The newest run of every allocation that this machine has something of. */
export class UnitRuns {
  readonly bootId = readBootId();
  readonly #options: UnitRunsOptions;
  readonly #context: UnitRunContext;
  readonly #runs = new Map<string, UnitRun>();
  readonly #byUnit = new Map<string, UnitRun>();
  readonly #listeners: ((id: string) => void)[] = [];
  #waiting: (() => void)[] = [];
  #cancelLook: () => void = () => undefined;
  #closed = false;

  constructor(options: UnitRunsOptions) {
    this.#options = options;
    const onChange = ({ id }: UnitRun): void => {
      this.#wake();
      for (const listener of this.#listeners) listener(id);
    };
    this.#context = { manager: options.manager, notes: options.notes, bootId: this.bootId, onChange };
    options.manager.onEvent((event) => this.#heard(event));
  }

  /** Takes up what an earlier process of the agent has started. */
  async adopt(): Promise<void> {
    const { notes } = this.#options;
    for (const id of notes.ids()) {
      const note = notes.read(id);
      if (note !== undefined) this.#keep(new UnitRun(this.#context, { id, note }));
    }
    await this.#compareAll();
  }

  get(id: string): UnitRun | undefined {
    return this.#runs.get(id);
  }

  all(): UnitRun[] {
    return [...this.#runs.values()];
  }

  /** A new run, that is about to be started; takes the place of the one before. */
  begin(id: string, note: RunNote): UnitRun {
    const notBeforeUs = BigInt(Math.floor(this.#options.clock.monotonicMs() * 1_000));
    return this.#keep(new UnitRun(this.#context, { id, note, notBeforeUs }));
  }

  forget(run: UnitRun): void {
    if (this.#runs.get(run.id) === run) this.#runs.delete(run.id);
    if (this.#byUnit.get(run.note.unit) === run) this.#byUnit.delete(run.note.unit);
  }

  onChange(listener: (id: string) => void): void {
    this.#listeners.push(listener);
  }

  /** Resolves when systemd has told anything, or after the time. */
  change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(Math.max(0, withinMs), resolve);
      this.#waiting.push(() => {
        cancel();
        resolve();
      });
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancelLook();
    this.#listeners.length = 0;
  }

  #keep(run: UnitRun): UnitRun {
    this.#runs.set(run.id, run);
    this.#byUnit.set(run.note.unit, run);
    return run;
  }

  #heard(event: UnitEvent): void {
    if (event.type === 'reset') void this.#compareSoon();
    else if (event.type === 'changed') this.#byUnit.get(event.unit)?.changed(event.main);
    else this.#byUnit.get(event.unit)?.removed();
    this.#wake();
  }

  /** The bus may go away again meanwhile; then there is another event, or this comes again. */
  async #compareSoon(): Promise<void> {
    this.#cancelLook();
    try {
      await this.#compareAll();
    } catch {
      if (!this.#closed) this.#cancelLook = this.#options.clock.after(LOOK_AGAIN_MS, () => void this.#compareSoon());
    }
  }

  async #compareAll(): Promise<void> {
    const listed = new Map((await this.#options.manager.listUnits(PATTERN)).map((unit) => [unit.name, unit]));
    for (const unit of listed.values()) this.#adoptUnit(unit);
    await Promise.all(this.all().map((run) => run.compare(listed.get(run.note.unit))));
  }

  /** A unit without a note: the agent was killed after its start. */
  #adoptUnit({ name, description }: ListedUnit): void {
    const found = parseRun(description);
    if (found === undefined) return;
    const known = this.#runs.get(found.id);
    if (known?.isStarting === true || known?.note.run === found.run) return;
    const note = { run: found.run, unit: name, bootId: this.bootId, asksForOom: false, memoryMaxMib: 0 };
    this.#keep(new UnitRun(this.#context, { id: found.id, note }));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
