import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeGuardedFolder, processesBelow, sweepFolder } from '../harness/leftovers.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const RUN_MS_MAX = 90_000;

test('every command of docs/getting-started.md works as it stands there, and nothing is left running', () => {
  const page = readFileSync(join(ROOT, 'docs/getting-started.md'), 'utf8');
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block);
  expect(blocks.length).toBeGreaterThan(5);
  const home = makeGuardedFolder('cell-getting-started-');
  onTestFinished(() => sweepFolder(home));
  const output = execFileSync('sh', ['-euc', blocks.join('\n')], {
    cwd: ROOT,
    env: { ...process.env, HOME: home },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_MS_MAX,
  });
  expect(output).toContain('All is right\n');
  expect(output).toContain('Job "web" version 1: 3 of 3 healthy\n');
  expect(output).toMatch(/^ +1 {2}unreachable /m);
  expect(output).toContain('Job "web" is stopped');
  const ended = () => processesBelow(home).length === 0;
  return expect.poll(ended, { timeout: 10_000 }).toBe(true);
});
