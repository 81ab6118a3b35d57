import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RunRequest } from '../ports.ts';
import type { DesiredAllocation } from '../reconcile/model.ts';
import { SETTLE_MS } from '../reconcile/reconcile-allocation.ts';
import { MemoryRuntime } from '../runtime/memory/memory-runtime.ts';
import { type FetchedSecrets, SecretFolders } from '../secrets/secret-folders.ts';
import { AgentStore } from '../state/agent-store.ts';
import { desiredOf } from '../testing/desired.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { NO_ISOLATION, runRequest } from '../testing/run-request.ts';
import { silentLog } from '../testing/silent-log.ts';
import { until } from '../testing/until.ts';
import { AllocationManager } from './allocation-manager.ts';

class CountingRuntime extends MemoryRuntime {
  readonly starts: string[] = [];
  override start(request: RunRequest): Promise<void> {
    this.starts.push(`${request.id} ${request.run}`);
    return super.start(request);
  }
}

let folder: string;
let store: AgentStore;
let clock: FakeClock;
let runtime: CountingRuntime;
let manager: AllocationManager;
let told: string[];
let fetched: () => FetchedSecrets;
let secretsRoot: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cell-manager-'));
  clock = new FakeClock();
  runtime = new CountingRuntime();
  fetched = () => ({ problem: 'Nobody was to be asked', decided: true });
  secretsRoot = join(folder, 'secrets');
  await open();
});
afterEach(async () => {
  await manager.close();
  await store.close();
  await rm(folder, { recursive: true });
});

async function open(leaseValid = true): Promise<void> {
  store = await AgentStore.open(folder);
  const node = { name: 'n', address: '127.0.0.1', path: '/bin' };
  const secrets = new SecretFolders(secretsRoot, () => Promise.resolve(fetched()));
  const parts = { runtime, store, clock, random: () => 0, log: silentLog, node, secrets };
  manager = await AllocationManager.open(parts, leaseValid);
  told = [];
  manager.onReport(({ id, state }) => told.push(`${id} ${state}`));
}

/** As if the agent were killed and started again: what runs is still there. */
async function restart({ leaseValid = true } = {}): Promise<void> {
  await manager.close();
  await store.close();
  await open(leaseValid);
}

function apply(
  generation: number,
  set: DesiredAllocation[],
  change: { complete?: boolean; removed?: string[] } = {},
): Promise<boolean> {
  return manager.apply({ generation, set, complete: true, removed: [], ...change });
}

function stateOf(id: string): string | undefined {
  return manager.reports().find((report) => report.id === id)?.state;
}

/** Without a health check, what runs counts as healthy once it has run for some time. */
const becomes = (id: string, state: string): Promise<true> =>
  until(async () => {
    if (stateOf(id) === 'running') await clock.advance(SETTLE_MS);
    return stateOf(id) === state || undefined;
  });
const gone = (id: string): Promise<true> => until(() => stateOf(id) === undefined || undefined);

test('what is wanted is run, told of, and stored with its generation', async () => {
  expect(await apply(5, [desiredOf()])).toBe(true);
  await becomes('a', 'healthy');
  expect(told).toEqual(['a starting', 'a running', 'a healthy']);
  expect(manager.generation).toBe(5);
  expect(manager.counts()).toEqual(new Map([['healthy', 1]]));
});

test('an older generation is refused and changes nothing', async () => {
  await apply(5, [desiredOf()]);
  await becomes('a', 'healthy');
  expect(await apply(4, [])).toBe(false);
  expect(stateOf('a')).toBe('healthy');
  await restart();
  expect(await apply(4, [])).toBe(false);
  expect(await apply(5, [desiredOf()])).toBe(true);
});

test('changes come on top of the whole', async () => {
  await apply(1, [desiredOf()]);
  await apply(2, [desiredOf({ id: 'b' })], { complete: false });
  await becomes('b', 'healthy');
  expect(stateOf('a')).toBe('healthy');
  await apply(3, [], { complete: false, removed: ['a'] });
  await gone('a');
  expect(stateOf('b')).toBe('healthy');
  await apply(4, [desiredOf({ id: 'c' })]);
  await gone('b');
  await becomes('c', 'healthy');
});

test('what is to be stopped is stopped, and killed if it does not end in time', async () => {
  await apply(1, [desiredOf({ command: ['ignore', 'SIGTERM'] })]);
  await becomes('a', 'healthy');
  await apply(2, [desiredOf({ command: ['ignore', 'SIGTERM'], desired: 'stop' })]);
  await until(() => manager.reports().find(({ message }) => message.startsWith('Stopping')));
  await clock.advance(4_900);
  expect(stateOf('a')).toBe('healthy');
  await until(async () => {
    await clock.advance(100);
    return stateOf('a') === 'stopped' || undefined;
  });
  expect(manager.reports()[0]).toMatchObject({
    exitCode: 137,
    message: expect.stringContaining('the control plane wants it stopped'),
  });
});

test('restarts follow the policy until none is left', async () => {
  await apply(1, [desiredOf({ command: ['exit', '3'] })]);
  await until(async () => {
    await clock.advance(100);
    return stateOf('a') === 'failed' || undefined;
  });
  await becomes('a', 'failed');
  expect(manager.reports()[0]).toMatchObject({ restarts: 3, exitCode: 3 });
  expect(manager.restartsTotal).toBe(3);
  expect(runtime.starts).toEqual(['a 1', 'a 2', 'a 3', 'a 4']);
});

test('a command that can not be run fails with the reason', async () => {
  await apply(1, [desiredOf({ command: ['nonesuch'] })]);
  await becomes('a', 'failed');
  expect(manager.reports()[0]?.message).toBe('Could not find the command "nonesuch"');
});

test('a restart of the agent starts nothing again, and goes on with what it was about', async () => {
  // Far longer than the clock is moved on while "a" settles, however often that takes.
  const delayMs = 1_000 * SETTLE_MS;
  const later = { ...desiredOf().restart, delayMs, delayMaxMs: delayMs };
  await apply(1, [desiredOf(), desiredOf({ id: 'b', command: ['exit', '1'], restart: later })]);
  await becomes('a', 'healthy');
  await until(() => manager.reports().find(({ message }) => message.includes('starts again')));
  await restart();
  expect(stateOf('a')).toBe('healthy');
  expect(runtime.starts.toSorted()).toEqual(['a 1', 'b 1']);
  await until(async () => {
    await clock.advance(100 * SETTLE_MS);
    return runtime.starts.includes('b 2') || undefined;
  });
  expect(runtime.starts.filter((start) => start.startsWith('a'))).toEqual(['a 1']);
});

test('a full disk holds back starts, which the next process would make again, and no stop', async () => {
  await apply(1, [desiredOf()]);
  await becomes('a', 'healthy');
  const { saveAllocation } = store;
  store.saveAllocation = () => Promise.reject(new Error('No space left on device'));
  await apply(2, [desiredOf({ desired: 'stop' }), desiredOf({ id: 'b' })]);
  await becomes('a', 'stopped');
  await clock.advance(10_000);
  expect(runtime.starts).toEqual(['a 1']);
  store.saveAllocation = saveAllocation;
  await clock.advance(2_000);
  await becomes('b', 'healthy');
  expect(runtime.starts).toEqual(['a 1', 'b 1']);
});

test('an end while the agent was away is found', async () => {
  await apply(1, [desiredOf({ restart: { ...desiredOf().restart, mode: 'on-failure' } })]);
  await becomes('a', 'healthy');
  await manager.close();
  await store.close();
  runtime.end('a', 0);
  await open();
  await becomes('a', 'complete');
});

test('a lease that runs out stops what asked for it and nothing else', async () => {
  await apply(1, [desiredOf({ onDisconnect: 'stop' }), desiredOf({ id: 'b' })]);
  await becomes('a', 'healthy');
  manager.setLease(false);
  await becomes('a', 'stopped');
  expect(manager.reports()[0]?.message).toMatch(
    /^Stopped: the node has no lease, and the job says on_disconnect = "stop"/,
  );
  expect(stateOf('b')).toBe('healthy');
  manager.setLease(true);
  await apply(2, [desiredOf({ onDisconnect: 'stop' }), desiredOf({ id: 'b' })]);
  expect(stateOf('a')).toBe('stopped');
});

test('what asked for a lease waits for the first one', async () => {
  manager.setLease(false);
  await apply(1, [desiredOf({ onDisconnect: 'stop' })]);
  expect(stateOf('a')).toBe('pending');
  manager.setLease(true);
  await becomes('a', 'healthy');
});

test('an agent that starts without a lease stops what asked for it', async () => {
  await apply(1, [desiredOf({ onDisconnect: 'stop' })]);
  await becomes('a', 'healthy');
  await restart({ leaseValid: false });
  await becomes('a', 'stopped');
});

test('the output of the last hundred ended allocations is kept, and they are not told of again', async () => {
  const many = Array.from({ length: 103 }, (_, index) => desiredOf({ id: `j${index}`, command: ['say', `${index}`] }));
  await apply(1, many);
  await until(async () => {
    await clock.advance(SETTLE_MS);
    return manager.counts().get('healthy') === 103 || undefined;
  });
  await apply(2, []);
  await until(() => manager.counts().get('stopped') === 103 || undefined);
  expect(manager.reports()).toEqual([]);
  await manager.collect();
  expect(runtime.known().length).toBe(100);
  await restart();
  expect(manager.counts().get('stopped')).toBe(100);
});

test('what is kept of an allocation that nobody knows is removed', async () => {
  await runtime.start(runRequest({ id: 'x', command: ['sleep'] }));
  await restart();
  expect(runtime.known()).toEqual([]);
});

const SECRET: Partial<DesiredAllocation> = { isolation: { ...NO_ISOLATION, secrets: { password: 'database' } } };
const having =
  (text: string): (() => FetchedSecrets) =>
  () => ({ values: { password: Buffer.from(text) } });
const nobody = (): FetchedSecrets => ({ problem: 'Cannot reach the control plane', decided: false });
const passwordOf = (id: string): Promise<string> => readFile(join(secretsRoot, id, 'password'), 'utf8');
const messageOf = (id: string): string | undefined => manager.reports().find((report) => report.id === id)?.message;

test('a start waits for its secrets, says why, and gets them once they can be had', async () => {
  fetched = nobody;
  await apply(1, [desiredOf(SECRET)]);
  await until(() => messageOf('a')?.startsWith('Waits to start. Could not get the secrets of allocation "a": Cannot'));
  for (let second = 0; second < 5; second += 1) await clock.advance(1_000);
  expect(runtime.starts).toEqual([]);
  expect(told).toEqual(['a starting', 'a starting']);
  fetched = having('s3cret');
  await until(async () => {
    await clock.advance(1_000);
    return runtime.starts.length > 0 || undefined;
  });
  expect(await passwordOf('a')).toBe('s3cret');
  expect(JSON.stringify(await store.loadAllocations())).not.toContain('s3cret');
});

test('what waits for its secrets can be stopped', async () => {
  fetched = nobody;
  await apply(1, [desiredOf(SECRET)]);
  await until(() => messageOf('a')?.startsWith('Waits to start'));
  await apply(2, [desiredOf({ ...SECRET, desired: 'stop' })]);
  await becomes('a', 'stopped');
  expect(runtime.starts).toEqual([]);
});

test('what has ended asks for no secrets any more', async () => {
  fetched = nobody;
  await apply(1, [desiredOf(SECRET)]);
  await until(() => messageOf('a')?.startsWith('Waits to start'));
  await apply(2, [desiredOf({ ...SECRET, desired: 'stop' })]);
  await becomes('a', 'stopped');
  let asked = 0;
  fetched = () => {
    asked += 1;
    return having('late')();
  };
  for (let second = 0; second < 60; second += 1) await clock.advance(1_000);
  expect(asked).toBe(0);
  expect(await readdir(folder)).not.toContain('secrets');
});

test('secrets of what had ended when the agent was killed go with its next start', async () => {
  fetched = having('one');
  await apply(1, [desiredOf(SECRET)]);
  await becomes('a', 'healthy');
  await apply(2, [desiredOf({ ...SECRET, desired: 'stop' })]);
  await becomes('a', 'stopped');
  await until(async () => !(await readdir(folder)).includes('secrets') || undefined);
  await mkdir(join(secretsRoot, 'a'), { recursive: true });
  await restart();
  expect(await readdir(folder)).not.toContain('secrets');
});

test('each start gets the values as they are then, and the last ones if nobody answers', async () => {
  fetched = having('one');
  await apply(1, [desiredOf(SECRET)]);
  await becomes('a', 'healthy');
  fetched = having('two');
  runtime.end('a', 1);
  await until(async () => {
    await clock.advance(500);
    return runtime.starts.length === 2 || undefined;
  });
  expect(await passwordOf('a')).toBe('two');
  fetched = nobody;
  runtime.end('a', 1);
  await until(async () => {
    await clock.advance(500);
    return runtime.starts.length === 3 || undefined;
  });
  expect(await passwordOf('a')).toBe('two');
  fetched = () => ({ problem: 'There is no secret "database"', decided: true });
  runtime.end('a', 1);
  await until(async () => {
    await clock.advance(500);
    return messageOf('a')?.includes('There is no secret "database"');
  });
  expect(runtime.starts.length).toBe(3);
});

test('secrets go with the end of their allocation, and those of strangers with the next start of the agent', async () => {
  fetched = having('one');
  await apply(1, [desiredOf(SECRET), desiredOf({ ...SECRET, id: 'b' })]);
  await Promise.all([becomes('a', 'healthy'), becomes('b', 'healthy')]);
  await apply(2, [desiredOf({ ...SECRET, id: 'b' })]);
  await until(async () => (await readdir(secretsRoot)).join() === 'b' || undefined);
  await mkdir(join(secretsRoot, 'stranger'));
  await restart();
  expect(await readdir(secretsRoot)).toEqual(['b']);
});
