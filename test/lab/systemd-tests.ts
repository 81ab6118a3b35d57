import { resolve } from 'node:path';
import type { MachineOptions } from './machines/lab.ts';
import type { Machine } from './machines/machine.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Where the machine has the sources. */
const INSIDE = '/srv/cell';
const TESTS_MS_MAX = 600_000;

/** For a machine that is to run tests from the sources; what they write there, the host doesn't see. */
export const WITH_SOURCES: MachineOptions = { copied: { [INSIDE]: ROOT } };

export interface SystemdTestsEnd {
  readonly passed: number;
  readonly failed: number;
  /** Their lines, each with its reason. */
  readonly skipped: readonly string[];
  /** All that was printed. */
  readonly report: string;
}

/**
 * Runs the tests in files named `*.systemd.test.ts` inside a machine, as root, with its systemd as the only one they
 * see. `pattern`: part of the paths of the files to take; empty takes all.
 */
export async function runSystemdTests(machine: Machine, pattern = ''): Promise<SystemdTestsEnd> {
  const command = `cd ${INSIDE} && CELL_LAB_MACHINE=1 scripts/run vitest run ${pattern}`;
  const { output, errors } = await machine.run(command, { timeoutMs: TESTS_MS_MAX });
  const report = `${output}\n${errors}`;
  const [, passed, failed] = /^(\d+) passed, (\d+) failed, \d+ skipped$/m.exec(output) ?? [];
  if (passed === undefined) throw new Error(`The tests did not run to their end on "${machine.name}": ${report}`);
  const [, skipped = ''] = /^Skipped:\n((?: {2}.*\n)*)/m.exec(output) ?? [];
  return { passed: Number(passed), failed: Number(failed), skipped: skipped.split('\n').filter(Boolean), report };
}
