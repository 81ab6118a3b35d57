import { join } from 'node:path';
import { onTestFinished, type TestContext, test } from 'vitest';
import { Lab } from '../machines/lab.ts';
import { whyNoLab } from '../machines/why-no-lab.ts';
import { keepJournals } from '../test-lab.ts';
import { buildRepository, whyNoPackages } from './build-repository.ts';
import { type InstalledFleet, installFleet, SIX_MACHINES } from './installed-fleet.ts';

/** What is installed first. */
export const FIRST_VERSION = '0.1.0';

const missing = (await whyNoLab()) ?? whyNoPackages();
let shared: Promise<SharedFleet> | undefined;

export interface SharedFleet {
  readonly fleet: InstalledFleet;
  /** Folder of the repository, and where machines find it. */
  readonly repository: string;
  readonly url: string;
}

/**
 * A test on the fleet that all files of this run share, since installing it takes longest: it is made for the first,
 * and goes with the process. Every test finds it ready, and leaves its machines running.
 */
export function fleetTest(name: string, body: (shared: SharedFleet) => Promise<void>): void {
  test(name, async (context: TestContext) => {
    if (missing !== undefined) return context.skip(missing);
    shared ??= makeFleet();
    const made = await shared;
    onTestFinished((finished) => keepJournals(made.fleet.lab, finished));
    await made.fleet.ready();
    await body(made);
  });
}

async function makeFleet(): Promise<SharedFleet> {
  const lab = await Lab.open();
  try {
    return await installShared(lab);
  } catch (error) {
    const journals = await lab.collectJournals();
    await lab.destroy();
    throw new Error(`Cannot make the fleet; the journals of its machines: ${journals}`, { cause: error });
  }
}

async function installShared(lab: Lab): Promise<SharedFleet> {
  const repository = join(lab.folder, 'repository');
  await buildRepository(repository, FIRST_VERSION);
  const url = lab.serve('cell', repository);
  const fleet = await installFleet(lab, { names: SIX_MACHINES, repository, url });
  return { fleet, repository, url };
}
