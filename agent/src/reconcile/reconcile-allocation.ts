import { decideRestart } from './decide-restart.ts';
import { describeDuration, describeEnd } from './describe.ts';
import type { AllocationRecord, DesiredAllocation, Ended, HealthVerdict, Observed, Stopping } from './model.ts';
import { isFinal } from './model.ts';
import type { Wanted } from './wanted.ts';

export interface ReconcileInput {
  readonly desired: DesiredAllocation;
  readonly wanted: Wanted;
  readonly record: AllocationRecord;
  /** Of the run that the record names. */
  readonly observed: Observed;
  readonly health: HealthVerdict;
  readonly nowMs: number;
}

/** One thing to do, with why. Each may be done twice without harm. */
export type Action =
  | { readonly type: 'start'; readonly run: number; readonly reason: string }
  | { readonly type: 'signal'; readonly signal: string; readonly reason: string }
  | { readonly type: 'kill'; readonly reason: string };

export interface Reconciled {
  /** To be stored before the actions are carried out. */
  readonly record: AllocationRecord;
  readonly actions: readonly Action[];
  /** When to look again if nothing happens before; undefined: only when something happens. */
  readonly wakeAtMs: number | undefined;
}

/** SIGKILL is repeated until nothing is left. */
const KILL_AGAIN_MS = 1_000;

/**
 * From the first signal to SIGKILL where something must not run twice. The control plane places it elsewhere 2 s after
 * the lease has run out: this, and how late that is noticed, must stay below it.
 */
const URGENT_STOP_MS_MAX = 1_000;

/**
 * How long a process without a health check must run until it counts as healthy. One that fails at its start must never
 * look healthy: a rollout would take it for success and go on to the next instance.
 */
export const SETTLE_MS = 2_000;

/** Decides what to do about one allocation. */
export function reconcileAllocation(input: ReconcileInput): Reconciled {
  if (isFinal(input.record.state)) return afterTheEnd(input);
  switch (input.observed.state) {
    case 'none':
      return beforeStart(input);
    case 'starting':
    case 'running':
      return whileRunning(input, input.observed.state);
    case 'ended':
      return afterRun(input, input.observed);
  }
}

/** A final state stays. What still runs, since the agent ended between two steps, is killed. */
function afterTheEnd({ record, observed, nowMs }: ReconcileInput): Reconciled {
  if (observed.state === 'running' || observed.state === 'starting') {
    const reason = `it is ${record.state}, yet its process runs`;
    return { record, actions: [{ type: 'kill', reason }], wakeAtMs: nowMs + KILL_AGAIN_MS };
  }
  return settled(record);
}

function beforeStart(input: ReconcileInput): Reconciled {
  const { record, wanted } = input;
  // New state comes before the lease does; nobody has placed it elsewhere meanwhile.
  if (wanted.state === 'hold' && record.run === 0) return settled({ ...record, message: `Waits: ${wanted.reason}` });
  if (wanted.state !== 'run') return stopped(input, `Stopped before its start: ${wanted.reason}`);
  // A run that was recorded and is not there: the agent ended before it could start it.
  if (record.run > 0 && record.startAtMs === null) return start(record, record.run, 'its start was interrupted');
  return startWhenDue(input);
}

function startWhenDue({ record, nowMs }: ReconcileInput): Reconciled {
  if (record.run === 0) return start(record, 1, 'it shall run');
  const startAtMs = record.startAtMs ?? nowMs;
  if (nowMs < startAtMs) return { record, actions: [], wakeAtMs: startAtMs };
  const next = { ...record, restarts: record.restarts + 1, startAtMs: null };
  return start(next, record.run + 1, record.message);
}

function start(record: AllocationRecord, run: number, reason: string): Reconciled {
  const message = run === 1 ? 'Starting' : `Starting for the ${run}. time; before: ${record.message}`;
  const next: AllocationRecord = { ...record, run, state: 'starting', message, startAtMs: null, settlesAtMs: null };
  return { record: next, actions: [{ type: 'start', run, reason }], wakeAtMs: undefined };
}

function whileRunning(input: ReconcileInput, observed: 'starting' | 'running'): Reconciled {
  const { record, wanted, health, nowMs } = input;
  if (record.stopping !== null) return goOnStopping(input, record.stopping);
  if (wanted.state !== 'run') {
    return beginStopping(input, { sinceMs: nowMs, reason: wanted.reason, next: 'stopped' }, record);
  }
  if (observed === 'starting') return settled({ ...record, state: 'starting' });
  switch (health.state) {
    case 'unknown':
      return settled({ ...record, state: 'running', message: 'Its process runs; no health check has succeeded yet' });
    case 'healthy':
      return input.desired.health === null && record.state !== 'healthy' ? settle(input) : healthy(record);
    case 'failed': {
      const reason = `it is unhealthy: ${health.message}`;
      const unhealthy = { ...record, state: 'unhealthy', message: `Unhealthy: ${health.message}` } as const;
      return beginStopping(input, { sinceMs: nowMs, reason, next: 'restart' }, unhealthy);
    }
  }
}

/** What was seen healthy before, by an earlier process of the agent too, does not have to settle again. */
function settle({ record, nowMs }: ReconcileInput): Reconciled {
  // A clock that was set back must not put it off.
  const settlesAtMs = Math.min(record.settlesAtMs ?? Number.POSITIVE_INFINITY, nowMs + SETTLE_MS);
  if (nowMs >= settlesAtMs) return healthy(record);
  const message = `Its process runs; it counts as healthy once it has run for ${describeDuration(SETTLE_MS)}`;
  return { record: { ...record, state: 'running', message, settlesAtMs }, actions: [], wakeAtMs: settlesAtMs };
}

function healthy(record: AllocationRecord): Reconciled {
  return settled({ ...record, state: 'healthy', message: 'Runs and is healthy', settlesAtMs: null });
}

function beginStopping(input: ReconcileInput, stopping: Stopping, record: AllocationRecord): Reconciled {
  const { stop } = input.desired;
  const message = `Stopping with ${stop.signal}: ${stopping.reason}`;
  return {
    record: { ...record, stopping, message },
    actions: [{ type: 'signal', signal: stop.signal, reason: stopping.reason }],
    wakeAtMs: input.nowMs + stopTimeoutMs(input),
  };
}

function stopTimeoutMs({ wanted, desired }: ReconcileInput): number {
  return wanted.urgent ? Math.min(URGENT_STOP_MS_MAX, desired.stop.timeoutMs) : desired.stop.timeoutMs;
}

function goOnStopping(input: ReconcileInput, before: Stopping): Reconciled {
  const { wanted, record, nowMs, desired } = input;
  const follows = wanted.state === 'run' ? before.next : 'stopped';
  const reason = follows === before.next ? before.reason : wanted.reason;
  // A clock that was set back must not put SIGKILL off.
  const stopping: Stopping = { sinceMs: Math.min(before.sinceMs, nowMs), reason, next: follows };
  const timeoutMs = stopTimeoutMs(input);
  const killAtMs = stopping.sinceMs + timeoutMs;
  const stoppingRecord = { ...record, stopping };
  if (nowMs < killAtMs) return { record: stoppingRecord, actions: [], wakeAtMs: killAtMs };
  const why = `it did not end within ${describeDuration(timeoutMs)} of ${desired.stop.signal}`;
  return { record: stoppingRecord, actions: [{ type: 'kill', reason: why }], wakeAtMs: nowMs + KILL_AGAIN_MS };
}

function afterRun(input: ReconcileInput, ended: Ended): Reconciled {
  const { record, wanted, desired } = input;
  if (record.startAtMs !== null) {
    return wanted.state === 'run'
      ? startWhenDue(withClampedStart(input))
      : stopped(input, `Stopped while it waited to start again: ${wanted.reason}`);
  }
  const over: AllocationRecord = { ...record, exitCode: ended.exitCode ?? null, stopping: null };
  if (ended.cannotRun !== '') return settled({ ...over, state: 'failed', message: ended.cannotRun });
  const how = describeEnd(ended);
  if (record.stopping?.next === 'stopped') {
    return stopped({ ...input, record: over }, `Stopped: ${record.stopping.reason}; ${lowerFirst(how)}`);
  }
  const forced = record.stopping !== null;
  const success = ended.exitCode === 0 && !forced;
  if (wanted.state !== 'run') {
    // It came to its end by itself just before it was to be stopped: what it achieved counts.
    if (success && desired.restart.mode !== 'always') return settled({ ...over, state: 'complete', message: how });
    return stopped({ ...input, record: over }, `Stopped: ${wanted.reason}; ${lowerFirst(how)}`);
  }
  const why = forced ? `Was stopped because ${record.stopping.reason}` : how;
  return endOrRestart({ ...input, record: over }, success, why);
}

function endOrRestart({ record, desired, nowMs }: ReconcileInput, success: boolean, why: string): Reconciled {
  const policy = desired.restart;
  const decision = decideRestart(policy, { success }, record.restartsAtMs, nowMs);
  switch (decision.kind) {
    case 'not-wanted':
      return settled({ ...record, state: success ? 'complete' : 'failed', message: why });
    case 'exhausted': {
      const limit = `${policy.attempts} restarts within ${describeDuration(policy.windowMs)} are allowed`;
      return settled({ ...record, state: 'failed', message: `${why}; no restart is left (${limit})` });
    }
    case 'restart': {
      const startAtMs = nowMs + decision.delayMs;
      const count = `restart ${decision.attempt} of ${policy.attempts} within ${describeDuration(policy.windowMs)}`;
      const message = `${why}; starts again after ${describeDuration(decision.delayMs)} (${count})`;
      const next: AllocationRecord = {
        ...record,
        state: 'starting',
        message,
        startAtMs,
        restartsAtMs: decision.restartsAtMs,
      };
      return { record: next, actions: [], wakeAtMs: startAtMs };
    }
  }
}

/** A clock that was set back must not put a restart off for longer than the policy's longest delay. */
function withClampedStart(input: ReconcileInput): ReconcileInput {
  const startAtMs = Math.min(input.record.startAtMs!, input.nowMs + input.desired.restart.delayMaxMs);
  return { ...input, record: { ...input.record, startAtMs } };
}

function stopped(input: ReconcileInput, message: string): Reconciled {
  return settled({ ...input.record, state: 'stopped', message, startAtMs: null, stopping: null });
}

function settled(record: AllocationRecord): Reconciled {
  return { record, actions: [], wakeAtMs: undefined };
}

function lowerFirst(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
