import { expect } from 'vitest';
import { runSystemdTests, WITH_SOURCES } from './systemd-tests.ts';
import { labTest, testLab } from './test-lab.ts';

for (const flavour of ['limits', 'unified'] as const)
  labTest(`the tests of what works by systemd pass in a machine of the flavour "${flavour}"`, async () => {
    const lab = await testLab();
    const machine = await lab.make(flavour, { ...WITH_SOURCES, flavour });
    await machine.boot();

    const { passed, failed, skipped, report } = await runSystemdTests(machine);

    expect(failed, report).toBe(0);
    expect(passed, report).toBeGreaterThan(0);
    for (const line of skipped) console.log(line);
  });
