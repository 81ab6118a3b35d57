/**
 * Runs on the leader: wakes on what changed, has it planned, and proposes the plan as commands.
 *
 * A plan is made on this member's applied state, which may be behind the log, and this member may have been replaced
 * as leader without knowing it yet. Neither does harm: `apply` checks every placement and stop again against the state
 * at that point of the log and leaves out what no longer holds, and a replaced leader's proposal is never committed.
 * What was left out is planned again.
 */
import type { Logger } from 'pino';
import { affectedJobs } from '../plan/affected-jobs.ts';
import type { Plan } from '../plan/plan.ts';
import { planJobs } from '../plan/plan-jobs.ts';
import type { Clock, Consensus } from '../ports.ts';
import type { ApplyPlan } from '../state/commands.ts';
import type { StateChange } from '../state/fleet-state.ts';

export interface ReconcileParts {
  readonly consensus: Consensus;
  readonly clock: Clock;
  readonly log: Logger;
  /** A new unsigned 32-bit number per call: the seed of one plan. */
  readonly random: () => number;
  /** Placements in one plan at most; the loop takes fewer while planning holds up the event loop. */
  readonly placementsMax: number;
}

const placementsMin = 16;
/** Stops in one command at most, and reasons for not placing; more are spread over several: the log takes 2 MiB. */
const stopsMax = 5_000;
const unplacedMax = 1_000;
/**
 * How long one planning pass may hold up the event loop: well under the Raft heartbeat of 50 ms, or followers would
 * take a busy leader for a dead one.
 */
const passTargetMs = 25;
const backoffFirstMs = 50;
const backoffMaxMs = 5_000;

export class ReconcileLoop {
  readonly #parts: ReconcileParts;
  #dirty = new Set<string>();
  #started = false;
  /** Counts starts, so that what belongs to an older leadership is told apart when it ends. */
  #epoch = 0;
  #inFlight = false;
  #woken = false;
  #failures = 0;
  #cancelBackoff: (() => void) | undefined;
  #placements: number;

  constructor(parts: ReconcileParts) {
    this.#parts = parts;
    this.#placements = Math.min(parts.placementsMax, 128);
  }

  /** This member leads and has applied all that earlier leaders wrote: everything is looked at once. */
  start(): void {
    this.#started = true;
    this.#epoch += 1;
    this.#inFlight = false;
    this.#failures = 0;
    this.#markAll();
  }

  /** This member no longer leads: whoever does looks at everything itself. */
  stop(): void {
    this.#started = false;
    this.#epoch += 1;
    this.#dirty.clear();
    this.#cancelBackoff?.();
    this.#cancelBackoff = undefined;
  }

  changed(change: StateChange | 'replaced'): void {
    if (!this.#started) return;
    if (change === 'replaced') this.#markAll();
    else this.#mark(affectedJobs(change, this.#parts.consensus.state));
  }

  #markAll(): void {
    this.#mark(this.#parts.consensus.state.jobs.keys());
  }

  #mark(jobs: Iterable<string>): void {
    for (const job of jobs) this.#dirty.add(job);
    this.#wake();
  }

  /** All changes of one event-loop turn are planned together. */
  #wake(): void {
    if (this.#woken || this.#dirty.size === 0) return;
    this.#woken = true;
    setImmediate(() => {
      this.#woken = false;
      this.#pass();
    });
  }

  #pass(): void {
    if (!this.#started || this.#inFlight || this.#cancelBackoff !== undefined || this.#dirty.size === 0) return;
    const jobs = this.#dirty;
    this.#dirty = new Set();
    let plan: Plan;
    try {
      plan = this.#plan(jobs);
    } catch (error) {
      this.#backOff(jobs, error);
      return;
    }
    for (const job of plan.unfinishedJobs) this.#dirty.add(job);
    const commands = planCommands(plan, this.#parts.clock.wallMs());
    if (commands.length === 0) {
      this.#wake();
      return;
    }
    this.#propose(plan, commands, jobs).catch((error: unknown) => this.#backOff(jobs, error));
  }

  #plan(jobs: ReadonlySet<string>): Plan {
    const { clock, consensus, random } = this.#parts;
    const startMs = clock.monotonicMs();
    const plan = planJobs(consensus.state, jobs, {
      nowMs: clock.wallMs(),
      seed: random(),
      placementsMax: this.#placements,
    });
    this.#adapt(clock.monotonicMs() - startMs, plan);
    return plan;
  }

  #adapt(tookMs: number, plan: Plan): void {
    if (tookMs > passTargetMs) this.#placements = Math.max(placementsMin, Math.floor(this.#placements / 2));
    else if (plan.unfinishedJobs.length > 0 && tookMs < passTargetMs / 2) {
      this.#placements = Math.min(this.#parts.placementsMax, this.#placements * 2);
    }
  }

  async #propose(plan: Plan, commands: readonly ApplyPlan[], jobs: ReadonlySet<string>): Promise<void> {
    const { consensus, log } = this.#parts;
    const epoch = this.#epoch;
    this.#inFlight = true;
    try {
      const results = await Promise.all(commands.map((command) => consensus.propose(command)));
      for (const result of results) if (!result.ok) throw new Error(`The plan was refused: ${result.message}`);
    } finally {
      if (epoch === this.#epoch) this.#inFlight = false;
    }
    if (epoch !== this.#epoch) return;
    const leftOut = plan.placements.filter((placement) => !consensus.state.allocations.has(placement.id));
    if (leftOut.length > 0) {
      // A later look at the newer state gives a better plan; the wait keeps a plan that never fits from spinning.
      this.#backOff(new Set(leftOut.map((placement) => placement.job)), undefined);
      return;
    }
    log.debug({ jobs: jobs.size, placed: plan.placements.length, stopped: plan.stops.length }, 'Plan applied');
    this.#failures = 0;
    this.#wake();
  }

  /** The jobs stay dirty; the next pass comes after a wait that doubles with each failure in a row. */
  #backOff(jobs: Iterable<string>, error: unknown): void {
    if (!this.#started) return;
    for (const job of jobs) this.#dirty.add(job);
    const delayMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** Math.min(this.#failures, 16));
    this.#failures += 1;
    if (error === undefined) this.#parts.log.info({ delayMs }, 'Parts of a plan no longer held; planning again');
    else this.#parts.log.warn({ err: error, delayMs, jobs: this.#dirty.size }, 'Planning failed; trying again');
    this.#cancelBackoff?.();
    this.#cancelBackoff = this.#parts.clock.after(delayMs, () => {
      this.#cancelBackoff = undefined;
      this.#wake();
    });
  }
}

/** A plan as commands of bounded size; none for an empty plan. */
function planCommands({ placements, stops, unplaced }: Plan, timeMs: number): ApplyPlan[] {
  const nothing = { kind: 'apply-plan', timeMs, placements: [], stops: [], unplaced: [] } as const;
  const commands: ApplyPlan[] = [];
  if (placements.length + stops.length > 0) commands.push({ ...nothing, placements, stops: stops.slice(0, stopsMax) });
  for (let first = stopsMax; first < stops.length; first += stopsMax) {
    commands.push({ ...nothing, stops: stops.slice(first, first + stopsMax) });
  }
  for (let first = 0; first < unplaced.length; first += unplacedMax) {
    commands.push({ ...nothing, unplaced: unplaced.slice(first, first + unplacedMax) });
  }
  return commands;
}
