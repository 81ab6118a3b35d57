import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { setImmediate as soon } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { BesideResult } from '../ports.ts';
import type { HealthCheck } from '../reconcile/model.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { type CheckTarget, makeCheck } from './check.ts';
import { type CheckOutcome, countHealth, NO_CHECKS_YET } from './count-health.ts';
import { HealthMonitor } from './health-monitor.ts';

const CHECK: HealthCheck = {
  type: 'http',
  port: 'http',
  path: '/healthz',
  command: [],
  intervalMs: 1_000,
  // Far more than an answer takes, also on a machine that has other things to do.
  timeoutMs: 20_000,
  healthyThreshold: 2,
  unhealthyThreshold: 3,
  graceMs: 5_000,
};
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** States after each of the checks: "+" succeeds, "-" fails, one a second. */
function states(checks: string, graceMs = 0): string[] {
  let count = NO_CHECKS_YET;
  return checks.split('').map((sign, index) => {
    count = countHealth(count, { success: sign === '+', message: sign }, { ...CHECK, graceMs }, (index + 1) * 1_000);
    return count.verdict.state;
  });
}

test.each([
  ['+', 'unknown'],
  ['++', 'unknown healthy'],
  ['+-++', 'unknown unknown unknown healthy'],
  ['++--+', 'unknown healthy healthy healthy healthy'],
  ['++---', 'unknown healthy healthy healthy failed'],
  ['---', 'unknown unknown failed'],
  ['--+--', 'unknown unknown unknown unknown unknown'],
])('countHealth() of %s gives %s', (checks, expected) => {
  expect(states(checks).join(' ')).toBe(expected);
});

test('countHealth() does not count failures in the grace', () => {
  expect(states('------', 4_000).at(-2)).toBe('unknown');
  expect(states('------', 4_000).at(-1)).toBe('failed');
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

function target(port: number, change: Partial<HealthCheck> = {}, result?: BesideResult): CheckTarget {
  const runBeside = (): Promise<BesideResult> => (result ? Promise.resolve(result) : Promise.reject(new Error('no')));
  return { check: { ...CHECK, ...change }, address: '127.0.0.1', port, runBeside };
}

test.each([
  [200, true],
  [204, true],
  [302, true],
  [404, false],
  [503, false],
])('an http check that is answered with %i is a success: %s', async (status, success) => {
  const port = await listen(createServer((_, response) => response.writeHead(status).end()));
  const message = `GET /healthz on port ${port} answered ${status}`;
  expect(await makeCheck(target(port))).toEqual({ success, message });
});

test('an http check says when nobody answers and when nobody listens', async () => {
  const port = await listen(createTcpServer(() => undefined));
  expect(await makeCheck(target(port, { timeoutMs: 300 }))).toEqual({
    success: false,
    message: `GET /healthz on port ${port} did not answer within 300 ms`,
  });
  servers.pop()!.close();
  const refused = await listen(createTcpServer());
  await once(servers.pop()!.close(), 'close');
  expect((await makeCheck(target(refused))).message).toContain('ECONNREFUSED');
});

test('a tcp check succeeds when somebody listens', async () => {
  const server = createTcpServer();
  const port = await listen(server);
  expect(await makeCheck(target(port, { type: 'tcp' }))).toMatchObject({ success: true });
  await once(servers.pop()!.close(), 'close');
  const outcome = await makeCheck(target(port, { type: 'tcp' }));
  expect(outcome.success).toBe(false);
  expect(outcome.message).toContain('ECONNREFUSED');
});

test.each<[BesideResult | undefined, CheckOutcome]>([
  [
    { exitCode: 0, output: 'fine' },
    { success: true, message: 'Command "ping x" ended with 0' },
  ],
  [
    { exitCode: 2, output: 'bad' },
    { success: false, message: 'Command "ping x" ended with 2: bad' },
  ],
  [
    { exitCode: undefined, output: 'slow' },
    { success: false, message: 'Command "ping x" failed: slow' },
  ],
  [undefined, { success: false, message: 'Command "ping x" could not be run: no' }],
])('an exec check of %o gives %o', async (result, expected) => {
  expect(await makeCheck(target(0, { type: 'exec', command: ['ping', 'x'] }, result))).toEqual(expected);
});

test('HealthMonitor checks in its rhythm, tells of changed verdicts, and begins anew with each run', async () => {
  const clock = new FakeClock();
  const told: string[] = [];
  let healthy = true;
  let checks = 0;
  const monitor = new HealthMonitor({
    clock,
    random: () => 0.5,
    onChange: (id) => told.push(`${id} ${monitor.verdict(id, 1).state}`),
    check: () => {
      checks += 1;
      return Promise.resolve({ success: healthy, message: 'm' });
    },
  });
  monitor.watch('a', 1, target(1, { graceMs: 0 }));
  await clock.advance(249);
  expect(checks).toBe(0);
  await clock.advance(1_001);
  expect(checks).toBe(2);
  expect(told).toEqual(['a healthy']);
  healthy = false;
  await clock.advance(3_000);
  expect(told).toEqual(['a healthy', 'a failed']);
  expect(monitor.verdict('a', 1)).toEqual({ state: 'failed', message: 'm (3 times in a row)' });
  expect(monitor.verdict('a', 2).state).toBe('unknown');
  monitor.unwatch('a');
  await clock.advance(10_000);
  expect(checks).toBe(5);
});

test('HealthMonitor makes sixteen checks at one time and the others after them', async () => {
  const clock = new FakeClock();
  const finish: (() => void)[] = [];
  const monitor = new HealthMonitor({
    clock,
    random: () => 0,
    onChange: () => undefined,
    check: () => {
      const { promise, resolve } = Promise.withResolvers<CheckOutcome>();
      finish.push(() => resolve({ success: true, message: '' }));
      return promise;
    },
  });
  for (let index = 0; index < 20; index += 1) monitor.watch(`a${index}`, 1, target(1));
  await clock.advance(0);
  expect(finish.length).toBe(16);
  for (const done of finish.splice(0)) done();
  await soon();
  expect(finish.length).toBe(4);
  monitor.close();
});
