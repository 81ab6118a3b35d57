import { setImmediate as soon } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Gate } from '../gate.ts';
import { HealthMonitor } from '../health/health-monitor.ts';
import type { Runtime } from '../ports.ts';
import { type DesiredAllocation, NEW_RECORD } from '../reconcile/model.ts';
import { desiredOf } from '../testing/desired.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { noSecrets } from '../testing/no-secrets.ts';
import { silentLog } from '../testing/silent-log.ts';
import { AllocationRunner, type RunnerContext } from './allocation-runner.ts';

function after(microtasks: number, work: () => void): void {
  if (microtasks === 0) work();
  else queueMicrotask(() => after(microtasks - 1, work));
}

/** A runner of an allocation that has ended: its passes only look. */
function runnerThatOnlyLooks(onLook: () => void): AllocationRunner {
  const clock = new FakeClock();
  const random = () => 0;
  const observe = () => {
    onLook();
    return { state: 'none' } as const;
  };
  const context: RunnerContext = {
    runtime: { observe } as Partial<Runtime> as Runtime,
    store: { saveAllocation: () => Promise.resolve() },
    health: new HealthMonitor({ clock, random, onChange: () => {} }),
    clock,
    random,
    log: silentLog,
    node: { name: 'node-1', address: '127.0.0.1', path: '' },
    starts: new Gate(1),
    secrets: noSecrets,
    leaseValid: () => true,
    onReport: () => {},
  };
  const desired: DesiredAllocation = desiredOf();
  const record = { ...NEW_RECORD, state: 'complete' } as const;
  return new AllocationRunner(context, { desired, released: false, record, endedAtMs: 1 }, { saved: true });
}

test.each(Array.from({ length: 12 }, (_, microtasks) => microtasks))(
  'what happens %i microtasks after a look is looked at too, also if the pass is just ending',
  async (microtasks) => {
    let looks = 0;
    let looksWhenPoked = 0;
    const runner = runnerThatOnlyLooks(() => {
      looks += 1;
      if (looks > 1) return;
      after(microtasks, () => {
        looksWhenPoked = looks;
        runner.poke();
      });
    });
    runner.poke();
    await soon();
    expect(looks).toBeGreaterThan(looksWhenPoked);
    await runner.close();
  },
);
