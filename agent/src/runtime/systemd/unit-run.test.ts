/** What a run makes of news that comes while it is being started; the rest is tried with real units. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../testing/until.ts';
import { RunNotes } from './run-notes.ts';
import type { ListedUnit, MainProcess, SystemdManager, UnitState } from './systemd-manager.ts';
import { UnitRun } from './unit-run.ts';

const RUNS: MainProcess = { result: 'success', mainPid: 7, code: 0, status: 0, startedAtUs: 1n, stopPost: undefined };
const ENDED: MainProcess = { ...RUNS, result: 'exit-code', mainPid: 0, code: 1, status: 3 };
const UNIT = 'cell-web-a.service';

/** Under a systemd that says `state` of its unit. */
function newRun(state: () => Partial<UnitState> | undefined): UnitRun {
  const folder = mkdtempSync(join(tmpdir(), 'cell-unit-run-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const manager = {
    unit: async () => Promise.resolve(state()),
    killUnit: async () => Promise.resolve(),
    stopUnit: async () => Promise.resolve(),
    resetFailed: async () => Promise.resolve(),
  } as unknown as SystemdManager;
  const context = { manager, notes: new RunNotes(folder), bootId: 'b', onChange: () => undefined };
  const note = { run: 1, unit: UNIT, bootId: 'b', asksForOom: false, memoryMaxMib: 0 };
  return new UnitRun(context, { id: 'a', note });
}

const LISTED: ListedUnit = { name: UNIT, description: '', activeState: 'active', subState: 'running' };

test.each<[string, (run: UnitRun) => unknown]>([
  ['is forgotten for a moment', (run) => run.removed()],
  ['is compared with what systemd has', (run) => run.compare(LISTED)],
  ['is forgotten for a moment and compared', (run) => [run.removed(), run.compare(LISTED)]],
])('what %s while it is being started runs after that', async (_, disturb) => {
  const run = newRun(() => ({ activeState: 'active', main: RUNS }));
  const done = Promise.withResolvers<void>();
  const started = run.start(() => done.promise);
  run.changed(RUNS);
  await disturb(run);
  done.resolve();
  await started;
  await until(() => run.observed.state !== 'starting' || undefined);
  expect(run.observed).toEqual({ state: 'running' });
});

test('an end that nobody heard of, while it was being started and all was compared, is found', async () => {
  const run = newRun(() => ({ activeState: 'failed', main: ENDED }));
  const done = Promise.withResolvers<void>();
  const started = run.start(() => done.promise);
  await run.compare({ ...LISTED, activeState: 'failed', subState: 'failed' });
  done.resolve();
  await started;
  await until(() => run.observed.state === 'ended' || undefined);
  expect(run.observed).toMatchObject({ exitCode: 3 });
});

test('what an earlier process of the agent began to start runs when systemd says so, and at the latest when it changes', async () => {
  let main: MainProcess = { ...RUNS, mainPid: 0 };
  const run = newRun(() => ({ activeState: 'activating', main }));
  const activating = { ...LISTED, activeState: 'activating', subState: 'start' };
  await run.compare(activating);
  expect(run.observed).toEqual({ state: 'starting' });
  run.changed(RUNS);
  expect(run.observed).toEqual({ state: 'running' });

  main = RUNS;
  const other = newRun(() => ({ activeState: 'activating', main }));
  await other.compare(activating);
  expect(other.observed).toEqual({ state: 'running' });
});
