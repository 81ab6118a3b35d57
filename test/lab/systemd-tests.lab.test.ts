import { expect } from 'vitest';
import type { Lab } from './machines/lab.ts';
import type { MachineParts } from './machines/machine.ts';
import { runSystemdTests, WITH_SOURCES } from './systemd-tests.ts';
import { labTest, testLab } from './test-lab.ts';

/** At once, since they wait most of the time. */
labTest('the tests of what works by systemd pass in machines with limits, and with cgroup v2 alone', async () => {
  const lab = await testLab();
  await Promise.all([expectToPass(lab, 'limits'), expectToPass(lab, 'unified')]);
});

async function expectToPass(lab: Lab, flavour: MachineParts['flavour']): Promise<void> {
  const machine = await lab.make(flavour, { ...WITH_SOURCES, flavour });
  await machine.boot();

  const { passed, failed, report } = await runSystemdTests(machine);

  expect(failed, report).toBe(0);
  expect(passed, report).toBeGreaterThan(0);
}
