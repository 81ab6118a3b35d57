import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PlantedFault } from './planted-fault.ts';
import { filesOf, MutationError, plant } from './planted-fault.ts';
import { type SourceCopy, withSourceCopy } from './source-copy.ts';
import type { Verdict } from './verdict.ts';

/** Ends a run that hangs. The tests have limits of their own, and these tests take seconds. */
const RUN_MS_MAX = 240_000;

/** The part of the test runner's JSON that is read here. */
interface TestReport {
  readonly numTotalTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[];
  }[];
}

/** Runs tests of a copy of `sources` with the fault in it; `undefined` judges them as they are. */
export function judgeByTests(
  fault: PlantedFault | undefined,
  sources: string,
  tests: readonly string[],
): Promise<Verdict> {
  return withSourceCopy(sources, async (copy) => {
    for (const file of fault === undefined ? [] : filesOf(fault)) {
      const path = join(copy.sources, file);
      writeFileSync(path, plant(fault as PlantedFault, file, readFileSync(path, 'utf8')));
    }
    const failed = await failedTests(copy, tests);
    return { fault: fault?.name ?? 'none', caught: failed.length > 0, failed, simulation: undefined };
  });
}

async function failedTests({ folder, sources }: SourceCopy, tests: readonly string[]): Promise<string[]> {
  const output = join(folder, 'report.json');
  const runner = join(folder, 'node_modules/vitest/vitest.mjs');
  const filters = tests.map((path) => join(sources, path));
  const child = spawn(
    process.execPath,
    [runner, 'run', '--root', folder, '--maxWorkers=1', '--reporter=json', `--outputFile=${output}`, ...filters],
    { cwd: folder, stdio: 'ignore' },
  );
  const endWithUs = () => child.kill('SIGKILL');
  process.once('exit', endWithUs);
  const watchdog = setTimeout(endWithUs, RUN_MS_MAX);
  const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => done({ code, signal }));
  });
  clearTimeout(watchdog);
  process.off('exit', endWithUs);
  if (signal !== null) return [`hang (nothing came of the tests in ${RUN_MS_MAX} ms)`];
  const report = JSON.parse(readFileSync(output, 'utf8')) as TestReport;
  if (report.numTotalTests === 0) {
    throw new MutationError('judge-failed', `No tests were found for '${filters.join(' ')}' (exit code ${code})`);
  }
  return report.testResults.flatMap(({ status, message, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed').map(({ title }) => title);
    return failed.length === 0 && status === 'failed' ? [message.split('\n')[0] as string] : failed;
  });
}
