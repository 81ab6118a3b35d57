import { onTestFinished, type TestContext, test } from 'vitest';
import { Lab } from './machines/lab.ts';
import { whyNoLab } from './machines/why-no-lab.ts';

const missing = await whyNoLab();

/** A test that needs machines; where there can be none, it is skipped with the reason. */
export function labTest(name: string, body: () => Promise<void>): void {
  test(name, async (context: TestContext) => {
    if (missing !== undefined) return context.skip(missing);
    await body();
  });
}

/** A lab for the test that calls this; it ends with the test, however that ends. */
export async function testLab(): Promise<Lab> {
  const lab = await Lab.open();
  onTestFinished(async (context) => {
    await keepJournals(lab, context);
    await lab.destroy();
  });
  return lab;
}

/** If the test has failed: keeps what the machines logged, and says where. */
export async function keepJournals(lab: Lab, { task }: TestContext): Promise<void> {
  if (task.result?.state !== 'fail') return;
  console.error(`The journals of the lab's machines: ${await lab.collectJournals()}`);
}
