import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { UserConsoleLog } from 'vitest';
import type { Reporter, SerializedError, TestCase, TestModule, Vitest } from 'vitest/node';

/** Characters of console output kept per test, for the case that it fails. */
const CONSOLE_LENGTH_MAX = 16_384;

interface Skip {
  readonly name: string;
  readonly reason: string;
}

interface Failure {
  readonly name: string;
  readonly errors: readonly unknown[];
  /** What was printed on the console meanwhile. */
  readonly console: string;
}

/**
 * Prints one line per file, with what failed in it and the first line of why; then every failure in full, then why tests
 * were skipped, and closes with exactly one line over everything that ran: `N passed, N failed, N skipped`. A test says
 * why by `context.skip('reason')`.
 * If the run is a part of a larger one, which names a file in `CELL_TEST_COUNTS`, that line goes there instead.
 */
export default class TestReporter implements Reporter {
  #vitest: Vitest | undefined;
  readonly #consoles = new Map<string, string>();
  readonly #countsFile = process.env['CELL_TEST_COUNTS'] ?? '';

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
    // Tests that run tests would write their counts there, too.
    delete process.env['CELL_TEST_COUNTS'];
  }

  onUserConsoleLog(log: UserConsoleLog): void {
    const id = log.taskId ?? '';
    const before = this.#consoles.get(id) ?? '';
    if (before.length < CONSOLE_LENGTH_MAX) this.#consoles.set(id, before + log.content);
  }

  onTestModuleEnd(module: TestModule): void {
    const tests = [...module.children.allTests()];
    const count = (state: string): number => tests.filter((test) => test.result().state === state).length;
    const failed = count('failed') + (module.errors().length > 0 ? 1 : 0);
    const parts = [`${count('passed')} passed`];
    if (failed > 0) parts.push(`${failed} failed`);
    if (count('skipped') > 0) parts.push(`${count('skipped')} skipped`);
    const seconds = (module.diagnostic().duration / 1000).toFixed(1);
    this.#print(`${failed > 0 ? 'FAIL' : 'ok  '} ${this.#fileOf(module)}: ${parts.join(', ')} (${seconds} s)`);
    for (const { name, errors } of this.#failuresIn(module)) this.#print(`     ${name}: ${firstLine(errors)}`);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const failures = [...modules.flatMap((module) => this.#failuresIn(module)), ...asFailures(unhandledErrors)];
    const skips = tests.filter((test) => test.result().state === 'skipped').map((test) => this.#skipOf(test));
    const passed = tests.filter((test) => test.result().state === 'passed').length;

    for (const failure of failures) this.#printFailure(failure);
    if (skips.length > 0) this.#print('\nSkipped:');
    for (const skip of skips) this.#print(`  ${skip.name}: ${skip.reason}`);
    if (passed + failures.length === 0) process.exitCode = 1;
    const counts = `${passed} passed, ${failures.length} failed, ${skips.length} skipped`;
    if (this.#countsFile === '') this.#print(`\n${counts}`);
    else writeFileSync(this.#countsFile, counts);
  }

  /** A file that can't be loaded, or a suite whose hook throws, fails without any of its tests failing. */
  #failuresIn(module: TestModule): Failure[] {
    const failures: Failure[] = [];
    const file = this.#fileOf(module);
    const add = (id: string, name: string, errors: readonly unknown[]): void => {
      failures.push({ name, errors, console: this.#consoles.get(id) ?? '' });
    };
    if (module.errors().length > 0) add(module.id, file, module.errors());
    for (const suite of module.children.allSuites()) {
      if (suite.errors().length > 0) add(suite.id, `${file} > ${suite.fullName}`, suite.errors());
    }
    for (const test of module.children.allTests()) {
      const result = test.result();
      if (result.state === 'failed') add(test.id, `${file} > ${test.fullName}`, result.errors);
    }
    return failures;
  }

  #skipOf(test: TestCase): Skip {
    const result = test.result();
    const note = result.state === 'skipped' ? result.note : undefined;
    return { name: `${this.#fileOf(test.module)} > ${test.fullName}`, reason: note ?? 'no reason given' };
  }

  #printFailure(failure: Failure): void {
    this.#print(`\nFAIL ${failure.name}`);
    for (const error of failure.errors) this.#print(this.#vitest?.logger.formatError(error).output ?? String(error));
    if (failure.console !== '') this.#print(`Console output:\n${failure.console}`);
  }

  #fileOf(module: TestModule): string {
    return relative(this.#vitest?.config.root ?? process.cwd(), module.moduleId);
  }

  #print(line: string): void {
    this.#vitest?.logger.log(line);
  }
}

/** Of the first error: enough to begin with while the rest of the run goes on. */
function firstLine([error]: readonly unknown[]): string {
  const message = (error as Partial<Error> | undefined)?.message ?? 'no reason given';
  return message.split('\n', 1)[0] as string;
}

function asFailures(errors: readonly SerializedError[]): Failure[] {
  return errors.map((error) => ({ name: 'outside of any test', errors: [error], console: '' }));
}
