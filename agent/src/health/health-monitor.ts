import { Gate } from '../gate.ts';
import type { Clock, Random } from '../ports.ts';
import type { HealthVerdict } from '../reconcile/model.ts';
import { type CheckTarget, makeCheck } from './check.ts';
import { type CheckOutcome, countHealth, type HealthCount, NO_CHECKS_YET } from './count-health.ts';

export interface HealthMonitorOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Called with the allocation's id when its verdict has changed. */
  readonly onChange: (id: string) => void;
  readonly check?: (target: CheckTarget) => Promise<CheckOutcome>;
}

/** Checks under way at one time; the others wait their turn. */
const CHECKS_MAX = 16;

/** New instances wait for this at most until somebody looks whether they serve. */
const FIRST_CHECK_MS_MAX = 500;

/** Checks running allocations in their rhythm, and keeps what the checks come to. */
export class HealthMonitor {
  readonly #options: HealthMonitorOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #gate = new Gate(CHECKS_MAX);

  constructor(options: HealthMonitorOptions) {
    this.#options = options;
  }

  /** Begins to check a run; does nothing if it is checked already. The first check comes after a random part of an interval. */
  watch(id: string, run: number, target: CheckTarget): void {
    if (this.#watched.get(id)?.run === run) return;
    this.unwatch(id);
    const sinceMs = this.#options.clock.monotonicMs();
    const watched: Watched = { id, run, target, sinceMs, count: NO_CHECKS_YET, stop: () => undefined };
    this.#watched.set(id, watched);
    this.#schedule(watched, this.#options.random() * Math.min(target.check.intervalMs, FIRST_CHECK_MS_MAX));
  }

  unwatch(id: string): void {
    this.#watched.get(id)?.stop();
    this.#watched.delete(id);
  }

  verdict(id: string, run: number): HealthVerdict {
    const watched = this.#watched.get(id);
    return watched?.run === run ? watched.count.verdict : NO_CHECKS_YET.verdict;
  }

  close(): void {
    for (const id of this.#watched.keys()) this.unwatch(id);
  }

  #schedule(watched: Watched, delayMs: number): void {
    watched.stop = this.#options.clock.after(delayMs, () => void this.#check(watched));
  }

  async #check(watched: Watched): Promise<void> {
    await this.#gate.through(async () => {
      if (this.#isCurrent(watched)) await this.#checkNow(watched);
    });
  }

  async #checkNow(watched: Watched): Promise<void> {
    const { clock, onChange, check = makeCheck } = this.#options;
    const outcome = await check(watched.target);
    if (!this.#isCurrent(watched)) return;
    const before = watched.count.verdict;
    watched.count = countHealth(watched.count, outcome, watched.target.check, clock.monotonicMs() - watched.sinceMs);
    this.#schedule(watched, watched.target.check.intervalMs);
    if (watched.count.verdict.state !== before.state) onChange(watched.id);
  }

  #isCurrent(watched: Watched): boolean {
    return this.#watched.get(watched.id) === watched;
  }
}

interface Watched {
  readonly id: string;
  readonly run: number;
  readonly target: CheckTarget;
  readonly sinceMs: number;
  count: HealthCount;
  stop: () => void;
}
