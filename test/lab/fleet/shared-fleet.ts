/**
 * What all files of a run share, since making it takes longest: one lab with one repository, and a fleet of six machines
 * in it. Each is made for the first test that needs it, and goes with the process.
 */
import { join } from 'node:path';
import { onTestFinished, type TestContext, test } from 'vitest';
import { Lab } from '../machines/lab.ts';
import { whyNoLab } from '../machines/why-no-lab.ts';
import { keepJournals } from '../test-lab.ts';
import { buildRepository, whyNoPackages } from './build-repository.ts';
import { type InstalledFleet, installFleet, SIX_MACHINES } from './installed-fleet.ts';

/** What is installed first. */
export const FIRST_VERSION = '0.1.0';

export interface SharedRepository {
  readonly lab: Lab;
  /** Folder of the repository, and where machines find it. */
  readonly repository: string;
  readonly url: string;
}

export interface SharedFleet extends SharedRepository {
  readonly fleet: InstalledFleet;
}

const missing = (await whyNoLab()) ?? whyNoPackages();
let sharedRepository: Promise<SharedRepository> | undefined;
let sharedFleet: Promise<SharedFleet> | undefined;

/** A test with packages, but with machines of its own. */
export function repositoryTest(name: string, body: (shared: SharedRepository) => Promise<void>): void {
  test(name, async (context: TestContext) => {
    if (missing !== undefined) return context.skip(missing);
    sharedRepository ??= makeRepository();
    const shared = await sharedRepository;
    onTestFinished((finished) => keepJournals(shared.lab, finished));
    await body(shared);
  });
}

/** A test on the shared fleet, which it finds ready. It leaves it so: all machines run, and no jobs but its own. */
export function fleetTest(name: string, body: (shared: SharedFleet) => Promise<void>): void {
  repositoryTest(name, async (repository) => {
    sharedFleet ??= makeFleet(repository);
    const shared = await sharedFleet;
    await shared.fleet.ready();
    await body(shared);
  });
}

async function makeRepository(): Promise<SharedRepository> {
  const lab = await Lab.open();
  const repository = join(lab.folder, 'repository');
  await buildRepository(repository, FIRST_VERSION);
  return { lab, repository, url: lab.serve('cell', repository) };
}

async function makeFleet(shared: SharedRepository): Promise<SharedFleet> {
  const { lab, repository, url } = shared;
  return { ...shared, fleet: await installFleet(lab, { names: SIX_MACHINES, repository, url }) };
}
