/** What makes a unit independent of its agent, with real units, and agents that are killed for real. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runRequest } from '../../testing/run-request.ts';
import { until } from '../../testing/until.ts';
import { RunNotes } from './run-notes.ts';
import { RealUnits } from './testing/real-units.ts';

let units: RealUnits;

beforeEach(() => {
  units = new RealUnits();
});
afterEach(() => units.dispose());

function systemctl(...words: string[]): string {
  return execFileSync('systemctl', words, { encoding: 'utf8' }).trim();
}

function invocationId(): string {
  return systemctl('show', '--property=InvocationID', '--value', units.unit);
}

const isLoaded = (): boolean => systemctl('list-units', '--all', '--plain', '--no-legend', units.unit) !== '';

/** Starts the command in another process, and kills that with SIGKILL. */
async function startAndKill(...command: string[]): Promise<void> {
  const holder = fileURLToPath(import.meta.resolve('./testing/hold-units.ts'));
  const child = spawn(process.execPath, [holder, units.notes, units.id, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('what runs is adopted after the agent was killed, with the same invocation', async () => {
  await startAndKill('sleep', '1000');
  const before = invocationId();
  const runtime = await units.open();
  expect(runtime.observe(units.id, 1)).toEqual({ state: 'running' });
  await units.start(['sleep', '1000']);
  expect(invocationId()).toBe(before);
  await runtime.signal(units.id, 'SIGTERM');
  expect(await units.seen('ended')).toMatchObject({ exitCode: 143 });
});

test('what runs is adopted although the agent was killed before it could take a note', async () => {
  await startAndKill('sleep', '1000');
  new RunNotes(units.notes).remove(units.id);
  const runtime = await units.open();
  expect(runtime.known()).toContain(units.id);
  expect(runtime.observe(units.id, 1)).toEqual({ state: 'running' });
  await runtime.remove(units.id);
  expect(isLoaded()).toBe(false);
});

test.each([
  ['a code', 'exit 3', 3],
  ['success', 'exit 0', 0],
  ['a signal', 'kill -9 $$', 137],
])('an end with %s while no agent was there is found', async (_, how, exitCode) => {
  await startAndKill('sh', '-c', `sleep 0.3; ${how}`);
  await until(() => systemctl('show', '--property=MainPID', '--value', units.unit) === '0' || undefined);
  const runtime = await units.open();
  expect(runtime.observe(units.id, 1)).toEqual({ state: 'ended', exitCode, cannotRun: '', message: '' });
  await until(() => !isLoaded() || undefined);
  // The agent may be killed once more, before it has stored what it saw.
  await units.open();
  expect(units.runtime.observe(units.id, 1)).toMatchObject({ state: 'ended', exitCode });
});

test('a unit that was stopped by somebody while no agent was there has ended in an unknown way', async () => {
  await startAndKill('sleep', '1000');
  systemctl('stop', units.unit);
  const runtime = await units.open();
  expect(runtime.observe(units.id, 1)).toMatchObject({ state: 'ended', exitCode: undefined });
  expect(runtime.observe(units.id, 1)).toMatchObject({ message: expect.stringContaining('by somebody else') });
});

test("somebody's stop is an end as any other", async () => {
  await units.open();
  await units.start(['sleep', '1000']);
  systemctl('stop', units.unit);
  expect(await units.seen('ended')).toMatchObject({ exitCode: 143 });
});

test('a run of before the last start of the machine has ended, in a way that nobody knows', async () => {
  const note = { run: 2, unit: units.unit, bootId: 'another', asksForOom: false, memoryMaxMib: 0 };
  new RunNotes(units.notes).write(units.id, note);
  const runtime = await units.open();
  const message = 'The machine was started again while it ran';
  expect(runtime.observe(units.id, 2)).toEqual({ state: 'ended', exitCode: undefined, cannotRun: '', message });
  await units.start(['sleep', '1000'], { run: 3 });
  await units.seen('running', 3);
});

test.each(['exit 0', 'exit 5', 'kill -9 $$'])('what "%s" leaves behind ends with it', async (how) => {
  await units.open();
  const script = `trap '' TERM; sleep 1000 & setsid sleep 1000 & ${how}`;
  const group = `/sys/fs/cgroup/unified/cell.slice/${units.unit}`;
  await units.start(['sh', '-c', script], { stop: { signal: 'SIGTERM', timeoutMs: 600_000 } });
  await units.seen('ended');
  await until(() => !isLoaded() || undefined);
  expect(existsSync(group)).toBe(false);
});

test('what ends at once, with something left behind that does not want to, holds up nobody', async () => {
  await units.open();
  const script = "trap '' TERM; sleep 1000 & kill -9 $$";
  for (let run = 1; run <= 20; run += 1) {
    await units.start(['sh', '-c', script], { run, stop: { signal: 'SIGTERM', timeoutMs: 600_000 } });
    expect(await units.seen('ended', run)).toMatchObject({ exitCode: 137 });
  }
});

test('the next run starts at once after an end, in a unit of the same name', async () => {
  await units.open();
  for (let run = 1; run <= 10; run += 1) {
    await units.start(['sh', '-c', `exit ${run}`], { run });
    expect(await units.seen('ended', run)).toMatchObject({ exitCode: run });
  }
});

test.each([
  ['systemd is executed anew', () => systemctl('daemon-reexec')],
  ['systemd loads its units anew', () => systemctl('daemon-reload')],
  ['the bus is started anew', () => systemctl('restart', 'dbus.service')],
])('nothing is lost when %s', async (_, disturb) => {
  const runtime = await units.open();
  await units.start(['sleep', '1000']);
  const before = invocationId();
  const other = `${units.id}-b`;
  await runtime.start(runRequest({ id: other, command: ['sh', '-c', 'sleep 0.2; exit 4'] }));
  disturb();
  // Ended meanwhile, and heard of or not.
  const ended = await until(() => {
    const observed = runtime.observe(other, 1);
    return observed.state === 'ended' ? observed : undefined;
  });
  expect(ended).toMatchObject({ exitCode: 4 });
  expect(runtime.observe(units.id, 1)).toEqual({ state: 'running' });
  expect(invocationId()).toBe(before);
  // Events come again; the bus may need a moment for it, and calls fail meanwhile.
  await until(() =>
    runtime.kill(units.id).then(
      () => true,
      () => undefined,
    ),
  );
  expect(await units.seen('ended')).toMatchObject({ exitCode: 137 });
});

test('what is being started while systemd loads its units anew runs, and is known to', async () => {
  await units.open();
  for (let run = 1; run <= 10; run += 1) {
    const reload = spawn('systemctl', ['daemon-reload']);
    await Promise.all([units.start(['sleep', '1000'], { run }), once(reload, 'exit')]);
    await units.seen('running', run);
    await units.runtime.kill(units.id);
    await units.seen('ended', run);
  }
});

test('no failed unit is left behind for people to wonder about', async () => {
  await units.open();
  await units.start(['sh', '-c', 'exit 9']);
  await units.seen('ended');
  await until(() => !isLoaded() || undefined);
  expect(await units.refusal(['/nonesuch'], { run: 2 })).toContain('CELL_E_CANNOT_RUN');
  await until(() => !isLoaded() || undefined);
});
