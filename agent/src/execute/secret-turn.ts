import type { Clock, WorkloadSecrets } from '../ports.ts';

export interface SecretTurnOptions {
  readonly id: string;
  readonly secrets: WorkloadSecrets;
  readonly clock: Clock;
  /** Something has changed: ask again whether they are ready. */
  readonly onChange: () => void;
}

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;

/** Gets an allocation's secrets anew before each of its runs, beside what else is done for it. */
export class SecretTurn {
  readonly #options: SecretTurnOptions;
  #run = 0;
  #ready = false;
  #underWay = false;
  #failures = 0;
  #problem = '';
  #cancelRetry: () => void = () => undefined;

  constructor(options: SecretTurnOptions) {
    this.#options = options;
  }

  /** Why they are not there: a sentence; empty while nothing has failed. */
  get problem(): string {
    return this.#problem;
  }

  /** Whether all is there for that run; if not, it is being got. `names`: of the credentials. */
  readyFor(run: number, names: readonly string[]): boolean {
    if (names.length === 0) return true;
    if (run !== this.#run) {
      this.#cancelRetry();
      [this.#run, this.#ready, this.#failures, this.#problem] = [run, false, 0, ''];
      void this.#get(names);
    }
    return this.#ready;
  }

  /** Nothing is asked for any more. */
  close(): void {
    this.#cancelRetry();
    this.#run = -1;
  }

  async #get(names: readonly string[]): Promise<void> {
    const run = this.#run;
    // The one that is under way is for an older run: what it brings is older too.
    if (this.#underWay) return this.#again(names);
    this.#underWay = true;
    try {
      await this.#options.secrets.prepare(this.#options.id, names);
      if (this.#run === run) [this.#ready, this.#problem] = [true, ''];
    } catch (error) {
      if (this.#run === run) this.#problem = (error as Error).message;
    } finally {
      this.#underWay = false;
    }
    if (this.#run !== run) return;
    if (!this.#ready) this.#again(names);
    this.#options.onChange();
  }

  #again(names: readonly string[]): void {
    const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(this.#failures, 10));
    this.#failures += 1;
    this.#cancelRetry = this.#options.clock.after(delayMs, () => void this.#get(names));
  }
}
