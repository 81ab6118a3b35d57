import type { Allocation } from '@cell/sdk';
import { expect } from 'vitest';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import { LAB_TEST_MS_MAX } from '../lab-limits.ts';
import { endInside } from '../machines/machine.ts';
import { logsOf, startJob, unitOf } from './fleet-jobs.ts';
import { fleetTest } from './shared-fleet.ts';

/** Says what it is told. */
const ECHO = `
name = "echo"
command = ["sh", "-c", "mkfifo $STATE_DIRECTORY/said; while :; do cat $STATE_DIRECTORY/said; done"]
directories = ["state"]
`;

fleetTest('commands run in an instance, and its output is read, through any member', async ({ fleet }) => {
  const [echo] = (await startJob(fleet, ECHO, 1)) as [Allocation];
  const follow = ['cellctl', 'allocation', 'logs', '--follow', echo.id];
  const readers = fleet.controlPlane.map((on) => on.start(follow, { timeoutMs: LAB_TEST_MS_MAX }));

  const said: string[] = [];
  for (const on of fleet.controlPlane) {
    const exec = (...words: string[]) => fleet.cellctl(['allocation', 'exec', echo.id, '--', ...words], { on });
    said.push(`through ${on.name}`);
    expect(await exec('sh', '-c', `echo through ${on.name} >$STATE_DIRECTORY/said; exit 7`)).toMatchObject({
      exitCode: 7,
    });
    expect((await exec('cat', '/proc/self/cgroup')).output).toContain(`/cell.slice/${unitOf(echo)}`);
    const given = await fleet.cellctl(['allocation', 'exec', '--interactive', echo.id, '--', 'cat'], {
      on,
      input: 'given',
    });
    expect(given).toMatchObject({ exitCode: 0, output: 'given' });
  }

  const expected = said.map((line) => `${line}\n`).join('');
  for (const reader of readers) {
    await waitFor(() => reader.output === expected, { what: `"${expected}" to be read, not "${reader.output}"` });
    await endInside(reader, 'SIGINT');
  }
  for (const on of fleet.controlPlane) expect(await logsOf(fleet, echo, on)).toBe(expected);
});
