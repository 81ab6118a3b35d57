import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { waitFor } from '../cluster/harness/wait-for.ts';
import { processesInGroups } from './machines/control-groups.ts';
import { existingLabs, sweepLab, sweepLeftovers } from './machines/sweep.ts';
import { labTest } from './test-lab.ts';

const PROGRAM = join(import.meta.dirname, 'testing/one-machine-main.ts');

interface OtherLab {
  readonly child: ChildProcess;
  readonly lab: string;
  readonly keeper: number;
}

/** A lab with a machine that runs, of another process. */
async function otherLab(): Promise<OtherLab> {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const [lab, keeper] = said.trim().split(' ') as [string, string];
  onTestFinished(() => sweepLab(lab));
  return { child, lab, keeper: Number(keeper) };
}

for (const signal of ['SIGINT', 'SIGKILL'] as const)
  labTest(`nothing is left of a lab whose process was ended by ${signal}`, async () => {
    const { child, lab } = await otherLab();
    expect(existingLabs()).toContain(lab);
    expect(processesInGroups(`${lab}-one`).length).toBeGreaterThan(2);

    child.kill(signal);

    await waitFor(() => !existingLabs().includes(lab), { what: 'the lab to be gone' });
    expect(processesInGroups(`${lab}-one`)).toEqual([]);
  });

labTest('what is left when the keeper was killed too, the next lab removes; what is in use, it leaves', async () => {
  const [killed, used] = [await otherLab(), await otherLab()];
  process.kill(killed.keeper, 'SIGKILL');
  killed.child.kill('SIGKILL');
  await once(killed.child, 'exit');
  expect(existingLabs()).toContain(killed.lab);

  sweepLeftovers();

  expect(existingLabs()).not.toContain(killed.lab);
  expect(existingLabs()).toContain(used.lab);
  expect(processesInGroups(`${used.lab}-one`).length).toBeGreaterThan(2);
});
