import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { freePorts } from './free-ports.ts';

const MODULE = import.meta.resolve('./free-ports.ts');
const EACH = 150;

/** Ports that another process gives out, which lives for as long as the test. */
async function portsElsewhere(): Promise<number[]> {
  const script = `const { freePorts } = await import('${MODULE}');
console.log(JSON.stringify(await freePorts(${EACH})));
process.stdin.resume();`;
  const words = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return JSON.parse(line.toString('utf8')) as number[];
}

test('no two processes give out the same port, though nobody listens on it yet', async () => {
  const all = (await Promise.all([freePorts(EACH), portsElsewhere(), portsElsewhere()])).flat();
  expect(all).toHaveLength(3 * EACH);
  expect(new Set(all).size).toBe(all.length);
});
