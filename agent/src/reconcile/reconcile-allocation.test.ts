import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { desiredOf } from '../testing/desired.ts';
import type { AllocationRecord, Ended, HealthVerdict, Observed } from './model.ts';
import { isFinal, NEW_RECORD } from './model.ts';
import { type Reconciled, type ReconcileInput, reconcileAllocation } from './reconcile-allocation.ts';

const NOW_MS = 1_000_000;
const RUN = { state: 'run', reason: 'the control plane wants it to run', urgent: false } as const;
const STOP = { state: 'stop', reason: 'the control plane wants it stopped', urgent: false } as const;
const HOLD = { state: 'hold', reason: 'the node has no lease', urgent: true } as const;
const HEALTHY: HealthVerdict = { state: 'healthy', message: '' };
const UNKNOWN: HealthVerdict = { state: 'unknown', message: '' };
const RUNNING: AllocationRecord = { ...NEW_RECORD, run: 1, state: 'healthy', message: 'Runs and is healthy' };
const ALWAYS = desiredOf();
const BATCH = desiredOf({ restart: { ...ALWAYS.restart, mode: 'on-failure', attempts: 2 } });
const CHECKED = desiredOf({
  health: {
    type: 'exec',
    port: '',
    path: '',
    command: ['true'],
    intervalMs: 1_000,
    timeoutMs: 1_000,
    healthyThreshold: 1,
    unhealthyThreshold: 1,
    graceMs: 0,
  },
});
const NEVER = desiredOf({ restart: { ...ALWAYS.restart, mode: 'never', attempts: 0 } });

function decide(change: Partial<ReconcileInput>): Reconciled {
  const base = {
    desired: ALWAYS,
    wanted: RUN,
    record: RUNNING,
    observed: { state: 'running' },
    health: HEALTHY,
    nowMs: NOW_MS,
  };
  return reconcileAllocation({ ...base, ...change } as ReconcileInput);
}

function ended(exitCode: number | undefined, change: Partial<Ended> = {}): Ended {
  return { state: 'ended', exitCode, cannotRun: '', message: '', ...change };
}

/** One line: state, what is done, when to look again, and the sentence. */
function show({ record, actions, wakeAtMs }: Reconciled): string {
  const done = actions.map((action) =>
    action.type === 'start' ? `start ${action.run}` : action.type === 'signal' ? action.signal : action.type,
  );
  const wake = wakeAtMs === undefined ? '' : ` wake +${wakeAtMs - NOW_MS}`;
  return `${record.state} [${done.join(' ')}]${wake}: ${record.message}`;
}

const stopping = (sinceMs: number, next: 'stopped' | 'restart' = 'stopped'): AllocationRecord => ({
  ...RUNNING,
  stopping: { sinceMs, reason: 'the reason', next },
});
const waiting: AllocationRecord = { ...RUNNING, state: 'starting', message: 'Ended', startAtMs: NOW_MS + 500 };

test.each<[string, Partial<ReconcileInput>, string]>([
  ['a new one starts', { record: NEW_RECORD, observed: { state: 'none' } }, 'starting [start 1]: Starting'],
  [
    'a new one that is not wanted any more ends at once',
    { record: NEW_RECORD, observed: { state: 'none' }, wanted: STOP },
    'stopped []: Stopped before its start: the control plane wants it stopped',
  ],
  [
    'a start that was recorded and not carried out is carried out',
    { record: { ...RUNNING, run: 4, state: 'starting', message: 'x' }, observed: { state: 'none' } },
    'starting [start 4]: Starting for the 4. time; before: x',
  ],
  [
    'a new one waits for the lease',
    { record: NEW_RECORD, observed: { state: 'none' }, wanted: HOLD },
    'pending []: Waits: the node has no lease',
  ],
  [
    'what runs and may not without a lease is stopped',
    { wanted: HOLD },
    'healthy [SIGTERM] wake +1000: Stopping with SIGTERM: the node has no lease',
  ],
  [
    'what runs without a lease is killed before it may run elsewhere',
    { record: stopping(NOW_MS - 1_000), wanted: HOLD },
    'healthy [kill] wake +1000: Runs and is healthy',
  ],
  [
    'what is stopping when the lease runs out gets no longer than that',
    { record: stopping(NOW_MS - 300), wanted: { ...STOP, urgent: true } },
    'healthy [] wake +700: Runs and is healthy',
  ],
  [
    'what would start again and may not without a lease is stopped',
    { record: waiting, observed: ended(1), wanted: HOLD },
    'stopped []: Stopped while it waited to start again: the node has no lease',
  ],
  ['what runs and is healthy is left alone', {}, 'healthy []: Runs and is healthy'],
  [
    'what has just begun and has no health check is not called healthy yet',
    { record: { ...RUNNING, state: 'starting' } },
    'running [] wake +2000: Its process runs; it counts as healthy once it has run for 2s',
  ],
  [
    'what has run for long enough is healthy',
    { record: { ...RUNNING, state: 'running', settlesAtMs: NOW_MS } },
    'healthy []: Runs and is healthy',
  ],
  [
    'a clock that was set back does not put that off',
    { record: { ...RUNNING, state: 'running', settlesAtMs: NOW_MS + 86_400_000 } },
    'running [] wake +2000: Its process runs; it counts as healthy once it has run for 2s',
  ],
  [
    'what a health check calls healthy is so at once',
    { desired: CHECKED, record: { ...RUNNING, state: 'starting' } },
    'healthy []: Runs and is healthy',
  ],
  [
    'what runs unchecked says so',
    { health: UNKNOWN },
    'running []: Its process runs; no health check has succeeded yet',
  ],
  [
    'what is unhealthy for good is stopped, to be restarted',
    { health: { state: 'failed', message: 'GET / answered 503' } },
    'unhealthy [SIGTERM] wake +5000: Stopping with SIGTERM: it is unhealthy: GET / answered 503',
  ],
  [
    'what is to be stopped gets its signal',
    { wanted: STOP },
    'healthy [SIGTERM] wake +5000: Stopping with SIGTERM: the control plane wants it stopped',
  ],
  [
    'what is being stopped has time',
    { wanted: STOP, record: stopping(NOW_MS - 1_000) },
    'healthy [] wake +4000: Runs and is healthy',
  ],
  [
    'what does not stop in time is killed, again and again',
    { wanted: STOP, record: stopping(NOW_MS - 5_000) },
    'healthy [kill] wake +1000: Runs and is healthy',
  ],
  [
    'a clock that was set back does not put the kill off',
    { wanted: STOP, record: stopping(NOW_MS + 86_400_000) },
    'healthy [] wake +5000: Runs and is healthy',
  ],
  [
    'what was stopped is stopped, with its exit code',
    { wanted: STOP, record: stopping(NOW_MS), observed: ended(143) },
    'stopped []: Stopped: the reason; was ended by SIGTERM (exit code 143)',
  ],
  [
    'what was stopped stays stopped although it is wanted again',
    { record: stopping(NOW_MS), observed: ended(0) },
    'stopped []: Stopped: the reason; ended with exit code 0',
  ],
  [
    'a service that ended is restarted after a delay',
    { observed: ended(0) },
    'starting [] wake +1000: Ended with exit code 0; starts again after 1s (restart 1 of 3 within 1m)',
  ],
  [
    'what was stopped as unhealthy is restarted, whatever its exit code',
    { desired: BATCH, record: stopping(NOW_MS, 'restart'), observed: ended(0) },
    'starting [] wake +1000: Was stopped because the reason; starts again after 1s (restart 1 of 2 within 1m)',
  ],
  ['a restart waits', { record: waiting, observed: ended(1) }, 'starting [] wake +500: Ended'],
  [
    'a restart that is due begins',
    { record: { ...waiting, startAtMs: NOW_MS }, observed: ended(1) },
    'starting [start 2]: Starting for the 2. time; before: Ended',
  ],
  [
    'a clock that was set back puts a restart off for no longer than the longest delay',
    { record: { ...waiting, startAtMs: NOW_MS + 86_400_000 }, observed: ended(1) },
    'starting [] wake +10000: Ended',
  ],
  [
    'a restart that is not wanted any more is not made',
    { record: waiting, observed: ended(1), wanted: STOP },
    'stopped []: Stopped while it waited to start again: the control plane wants it stopped',
  ],
  [
    'a batch instance that succeeded is complete',
    { desired: BATCH, observed: ended(0) },
    'complete []: Ended with exit code 0',
  ],
  [
    'a batch instance that succeeded just before it was to be stopped is complete',
    { desired: BATCH, observed: ended(0), wanted: STOP },
    'complete []: Ended with exit code 0',
  ],
  [
    'a batch instance that failed is restarted',
    { desired: BATCH, observed: ended(3) },
    'starting [] wake +1000: Ended with exit code 3; starts again after 1s (restart 1 of 2 within 1m)',
  ],
  [
    'what must not be restarted has failed',
    { desired: NEVER, observed: ended(139) },
    'failed []: Was ended by SIGSEGV (exit code 139)',
  ],
  [
    'an end that nobody saw counts as a failure',
    { desired: NEVER, observed: ended(undefined, { message: 'Its supervisor was killed' }) },
    'failed []: Its supervisor was killed',
  ],
  [
    'no restart is left',
    { record: { ...RUNNING, restartsAtMs: [NOW_MS - 3, NOW_MS - 2, NOW_MS - 1] }, observed: ended(1) },
    'failed []: Ended with exit code 1; no restart is left (3 restarts within 1m are allowed)',
  ],
  [
    'restarts before the window do not count',
    { record: { ...RUNNING, restartsAtMs: [NOW_MS - 60_000, NOW_MS - 2, NOW_MS - 1] }, observed: ended(1) },
    'starting [] wake +4000: Ended with exit code 1; starts again after 4s (restart 3 of 3 within 1m)',
  ],
  [
    'a command that can not be run has failed at once',
    { observed: ended(127, { cannotRun: 'Could not find the command "x"' }) },
    'failed []: Could not find the command "x"',
  ],
  [
    'what runs although it has ended is killed',
    { record: { ...RUNNING, state: 'failed', message: 'Failed' } },
    'failed [kill] wake +1000: Failed',
  ],
])('reconcileAllocation(): %s', (_, input, expected) => {
  expect(show(decide(input))).toBe(expected);
});

test('reconcileAllocation() has every run settle anew', () => {
  const again = decide({ record: { ...waiting, startAtMs: NOW_MS, settlesAtMs: NOW_MS - 5_000 }, observed: ended(1) });
  expect(again.record).toMatchObject({ run: 2, settlesAtMs: null });
});

test('reconcileAllocation() counts a restart when it begins, and remembers the exit code', () => {
  const after = decide({ observed: ended(7) });
  expect(after.record).toMatchObject({ restarts: 0, exitCode: 7, startAtMs: NOW_MS + 1_000, restartsAtMs: [NOW_MS] });
  const begun = decide({ record: after.record, observed: ended(7), nowMs: NOW_MS + 1_000 });
  expect(begun.record).toMatchObject({ restarts: 1, exitCode: 7, startAtMs: null, run: 2 });
});

describe('whatever happens, in whatever order', () => {
  const observed: fc.Arbitrary<Observed> = fc.oneof(
    fc.constantFrom<Observed>({ state: 'none' }, { state: 'starting' }, { state: 'running' }),
    fc.record({
      state: fc.constant('ended' as const),
      exitCode: fc.option(fc.nat(255), { nil: undefined }),
      cannotRun: fc.constantFrom('', '', '', 'Could not'),
      message: fc.constant(''),
    }),
  );
  const step = fc.record({
    observed,
    wanted: fc.constantFrom(RUN, RUN, RUN, STOP, HOLD),
    health: fc.constantFrom<HealthVerdict>(UNKNOWN, HEALTHY, { state: 'failed', message: 'no' }),
    // Also back: somebody may set the clock.
    passedMs: fc.integer({ min: -100_000, max: 100_000 }),
  });
  const desired = fc.record({
    mode: fc.constantFrom('always', 'on-failure', 'never'),
    attempts: fc.nat(5),
    windowMs: fc.integer({ min: 1, max: 200_000 }),
    delayMs: fc.integer({ min: 0, max: 5_000 }),
    delayMaxMs: fc.integer({ min: 5_000, max: 60_000 }),
  });

  test('final states stay, runs and restarts only count up, and nothing starts that is not wanted', () => {
    fc.assert(
      fc.property(desired, fc.array(step, { maxLength: 40 }), (restart, steps) => {
        let record = NEW_RECORD;
        let nowMs = NOW_MS;
        for (const { passedMs, ...now } of steps) {
          nowMs += passedMs;
          const result = reconcileAllocation({ ...now, desired: desiredOf({ restart }), record, nowMs });
          const next = result.record;
          if (isFinal(record.state)) expect(next).toEqual(record);
          expect(next.run - record.run).toBeOneOf([0, 1]);
          expect(next.restarts).toBe(Math.max(0, next.run - 1));
          expect(next.restartsAtMs.length).toBeLessThanOrEqual(restart.attempts);
          const starts = result.actions.filter((action) => action.type === 'start');
          if (starts.length > 0) {
            expect(now.wanted.state).toBe('run');
            expect(isFinal(next.state)).toBe(false);
            expect(['running', 'starting']).not.toContain(now.observed.state);
          }
          if (now.observed.state === 'running' && now.wanted.state !== 'run') {
            expect(isFinal(next.state) || next.stopping !== null).toBe(true);
          }
          expect(next.message).not.toBe('');
          record = next;
        }
      }),
    );
  });
});
