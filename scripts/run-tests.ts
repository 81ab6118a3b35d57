/**
 * All tests: `node scripts/run-tests.ts`. First those of clusters that hold the product to its times, alone; then those
 * that mostly wait, in pairs; then the lab's machines, which wait as well, beside the unit tests, which only count.
 * Closes with one line over all of them. With words (`npm test -- raft/src/core`), these go to one vitest as they are.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const STEPS = [['cluster'], ['pairs'], ['lab', 'unit']] as const;
const COUNTS = /^(\d+) passed, (\d+) failed, (\d+) skipped$/;

interface Ended {
  readonly exitCode: number;
  readonly counts: readonly [passed: number, failed: number, skipped: number];
}

/** A signal at the terminal reaches the parts as well, and they end by themselves: this waits for them. */
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);

const words = process.argv.slice(2);
process.exitCode = words.length > 0 ? await vitest(words, '') : await all();

async function all(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'cell-tests-'));
  try {
    const parts: Ended[] = [];
    for (const projects of STEPS) {
      parts.push(...(await Promise.all(projects.map((project) => run(project, join(folder, project))))));
    }
    const sum = (place: 0 | 1 | 2): number => parts.reduce((total, { counts }) => total + counts[place], 0);
    process.stdout.write(`\n${sum(0)} passed, ${sum(1)} failed, ${sum(2)} skipped\n`);
    return parts.every(({ exitCode }) => exitCode === 0) ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(project: string, file: string): Promise<Ended> {
  const exitCode = await vitest(['--project', project], file);
  const found = COUNTS.exec(readText(file));
  if (found !== null) return { exitCode, counts: [Number(found[1]), Number(found[2]), Number(found[3])] };
  process.stdout.write(`\nFAIL The tests of "${project}" ended with ${exitCode} before they had counted\n`);
  return { exitCode: exitCode === 0 ? 1 : exitCode, counts: [0, 1, 0] };
}

function vitest(more: readonly string[], countsFile: string): Promise<number> {
  const environment = { ...process.env, CELL_TEST_COUNTS: countsFile };
  const child = spawn('vitest', ['run', ...more], { stdio: 'inherit', env: environment });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Not written: the part did not get so far.
    return '';
  }
}
