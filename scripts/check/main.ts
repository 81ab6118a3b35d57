/**
 * The gate: `npm run check`, or `npm run check -- types lint` for some steps.
 *
 * Every step runs, also after one failed; each is printed with its time, and with its output if it failed.
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { type Step, steps } from './steps.ts';

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const STEP_TIMEOUT_MS = 300_000;

interface Outcome {
  readonly name: string;
  readonly passed: boolean;
}

function run(step: Step): Promise<Outcome> {
  const startedMs = performance.now();
  const [command, ...rest] = step.command;
  const options = { maxBuffer: OUTPUT_BYTES_MAX, timeout: STEP_TIMEOUT_MS };
  return new Promise((resolve) => {
    execFile(command, rest, options, (error, stdout, stderr) => {
      const passed = error === null;
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      process.stdout.write(`${passed ? 'ok  ' : 'FAIL'} ${step.name} (${seconds} s): ${step.what}\n`);
      const output = `${stdout}${stderr}`.trim();
      if (!passed) process.stdout.write(`${output || error.message}\n\n`);
      else if (step.showsOutput) process.stdout.write(`${output.replaceAll(/^/gm, '       ')}\n`);
      resolve({ name: step.name, passed });
    });
  });
}

/** Runs the steps, a few at a time, in the order of the table. */
async function runAll(chosen: readonly Step[]): Promise<Outcome[]> {
  const queue = [...chosen.entries()];
  const outcomes: Outcome[] = [];
  async function drain(): Promise<void> {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) outcomes[next[0]] = await run(next[1]);
  }
  await Promise.all(Array.from({ length: availableParallelism() }, drain));
  return outcomes;
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  const known = steps.map((step) => step.name).join(', ');
  process.stderr.write(`Cannot find the step "${unknown.join('", "')}"; the steps are ${known}\n`);
  process.exit(1);
}

const outcomes = await runAll(names.length === 0 ? steps : steps.filter((step) => names.includes(step.name)));
const failed = outcomes.filter((outcome) => !outcome.passed).map((outcome) => outcome.name);
if (failed.length > 0) {
  process.stdout.write(`check failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`check passed: ${outcomes.length} steps\n`);
}
