import { spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { StartedDemo } from './testing/started-demo.ts';

const DEMO = import.meta.resolve('../../demo/main.ts');
const DEMO_SECONDS_MAX = 90;
/** More interruptions than in every run of the tests: CELL_DEMO_INTERRUPTIONS=20 */
const INTERRUPTIONS = Number(process.env['CELL_DEMO_INTERRUPTIONS'] ?? '0');
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function started(file: string, ...words: readonly string[]): StartedDemo {
  const demo = new StartedDemo(file, ...words);
  onTestFinished(() => demo.dispose());
  return demo;
}

function hasFlac(): boolean {
  return spawnSync('sh', ['-c', 'command -v flac']).status === 0;
}

test('the demo keeps each of its promises, says so in plain text, and leaves nothing behind', async (context) => {
  if (!hasFlac()) context.skip('Needs Debian\'s package "flac", which "make demo" installs');
  const startMs = performance.now();
  const demo = started(DEMO);
  const ending = await demo.ended();
  expect(demo.output).toMatch(/\nPASS: 6 of 6 as promised, in \d+\.\d s\n$/);
  expect(ending).toEqual({ exitCode: 0, signal: null });
  expect((performance.now() - startMs) / 1000).toBeLessThan(DEMO_SECONDS_MAX);
  const summary = demo.output.slice(demo.output.indexOf('\nSummary\n'));
  expect(summary).toMatch(/ok {4}1\. The fleet +3 of 3 members, member \d leads, 5 nodes ready, all is right\n/);
  expect(summary).toMatch(/ok {4}2\. A service +3 instances on 3 nodes, each serves the files\n/);
  expect(summary).toMatch(/ok {4}3\. A batch job +4 files on \d nodes, .*every sample equal\n/);
  expect(summary).toMatch(/ok {4}4\. The leader dies +new leader \d\.\d+ s, .* 0 of \d+ writes lost, 0 workloads/);
  expect(summary).toMatch(/ok {4}5\. An agent dies +process \d+ ran on, answered (\d+) of \1, was adopted; 0 restarts/);
  expect(demo.output).toMatch(/\$ bin\/cellctl failover test --yes\n[\s\S]*\n {2}PASS\n/);
  for (const terminalOnly of ['\x1b', '\r']) expect(demo.output).not.toContain(terminalOnly);
  expect(demo.left()).toEqual([]);
});

test.each([
  { signal: 'SIGINT', moment: 'Cell: a fleet' },
  { signal: 'SIGHUP', moment: 'job run examples/web.toml' },
  { signal: 'SIGTERM', moment: 'failover test --yes' },
] as const)('$signal soon after "$moment" ends the demo and leaves nothing behind', async ({ signal, moment }) => {
  const demo = started(DEMO);
  await demo.said(moment);
  await setTimeout(Math.random() * 2000);
  demo.interrupt(signal);
  expect(await demo.ended()).toEqual({ exitCode: null, signal });
  expect(demo.output).toContain('Interrupted: ');
  expect(demo.left()).toEqual([]);
});

test.runIf(INTERRUPTIONS > 0).each(Array.from({ length: INTERRUPTIONS }, (_, round) => round))(
  'the demo, interrupted at any moment, leaves nothing behind (%i)',
  async (round) => {
    const demo = started(DEMO);
    await setTimeout(Math.random() * 30_000);
    demo.interrupt(SIGNALS[round % SIGNALS.length]!);
    await demo.ended();
    expect(demo.left()).toEqual([]);
  },
);

test('a fleet that was left up outlives the demo, until it is stopped; then nothing of it is left', async () => {
  const demo = started(import.meta.resolve('./testing/keep-small-fleet.ts'));
  expect(await demo.ended()).toEqual({ exitCode: 0, signal: null });
  const metrics = /http:\/\/127\.0\.0\.1:\d+(?=\/metrics)/.exec(demo.output)?.[0];
  expect((await fetch(`${metrics}/readyz`)).status).toBe(200);
  expect(demo.output).toContain('export CELL_ADDR=127.0.0.1:');
  expect(await demo.alsoRun(DEMO, 'stop')).toBe(0);
  expect(demo.output).toMatch(/Ended 2 processes and removed .*cell-demo-/);
  expect(demo.left()).toEqual([]);
  expect(await demo.alsoRun(DEMO, 'stop')).toBe(0);
  expect(demo.output).toContain('No fleet of a demo is up');
});

test('what a demo leaves that is killed itself, the next "make demo-stop" ends', async () => {
  const demo = started(DEMO);
  await demo.said('fleet status');
  expect(await demo.alsoRun(DEMO, 'stop')).toBe(0);
  expect(demo.output).toContain('No fleet of a demo is up');
  demo.interrupt('SIGKILL');
  await demo.ended();
  expect(await demo.alsoRun(DEMO, 'stop')).toBe(0);
  expect(demo.output).toMatch(/Ended \d+ processes and removed/);
  expect(demo.left()).toEqual([]);
});

test('a word that the demo does not know is refused', async () => {
  const demo = started(DEMO, 'stopp');
  expect(await demo.ended()).toEqual({ exitCode: 1, signal: null });
  expect(demo.output).toMatch(/^Usage: /);
});
