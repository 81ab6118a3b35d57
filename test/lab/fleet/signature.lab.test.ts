import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Machine } from '../machines/machine.ts';
import { runCommand } from '../machines/run-command.ts';
import { addRepository, apt } from './install-packages.ts';
import { repositoryTest } from './shared-fleet.ts';

const POOL = 'pool/main/c/cell';

/** What somebody on the way may do to a repository, and what apt-get must say at the latest when it installs. */
const SPOILED: readonly (readonly [what: string, spoil: (repository: string) => void, said: RegExp])[] = [
  [
    'the signed list of indices with one flipped byte',
    (at) => flip(join(at, 'dists/stable/InRelease'), 'SHA256:'),
    /BADSIG|not signed|signatures were invalid/,
  ],
  ['an index with one flipped byte', (at) => flipIndices(at), /Hash Sum mismatch|unexpected size/],
  ['packages with one flipped byte', (at) => flipPackages(at), /Hash Sum mismatch/],
  ['no signature at all', (at) => removeSignatures(at), /not signed|does not have a Release file/],
];

repositoryTest('a repository that somebody changed on the way is refused', async ({ lab, repository }) => {
  const machine = await lab.make('buyer');
  await machine.boot();
  for (const [place, [what, spoil, said]] of SPOILED.entries()) {
    const spoiled = `${repository}.spoiled-${place}`;
    cpSync(repository, spoiled, { recursive: true });
    spoil(spoiled);
    addRepository(machine, repository, lab.serve(`spoiled-${place}`, spoiled));
    await expectRefused(machine, what, said);
  }
  await machine.losePower();
});

repositoryTest('a repository that is signed by another key is refused', async ({ lab, repository }) => {
  const machine = await lab.make('cheated');
  await machine.boot();
  const other = `${repository}.other`;
  const main = join(import.meta.dirname, '../../../packaging/src/repository/main.ts');
  const packages = ['--packages', join(repository, POOL), '--output', other, '--key', `${other}.key`];
  await runCommand(process.execPath, [main, ...packages]);

  addRepository(machine, repository, lab.serve('other', other));

  await expectRefused(machine, 'another key', /NO_PUBKEY/);
  // With its own key it is as good as any.
  addRepository(machine, other, lab.serve('other-again', other));
  expect(await apt(machine, 'update')).toMatchObject({ exitCode: 0 });
  expect(await apt(machine, 'install', '--simulate', 'cell-agent')).toMatchObject({ exitCode: 0 });
  await machine.losePower();
});

async function expectRefused(machine: Machine, what: string, said: RegExp): Promise<void> {
  await machine.succeed('rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb');
  const updated = await apt(machine, 'update');
  const installed = await apt(machine, 'install', 'cell-agent');
  expect(installed.exitCode, `${what}: ${installed.output}`).not.toBe(0);
  expect(`${updated.output}${updated.errors}${installed.output}${installed.errors}`, what).toMatch(said);
  expect((await machine.run('dpkg --status cell-agent')).exitCode, what).not.toBe(0);
}

/** Another case of one letter, so that it stays text: after the first place where that stands. */
function flip(file: string, after: string): void {
  const bytes = readFileSync(file);
  const place = bytes.indexOf(after);
  expect(place, `"${after}" in ${file}`).toBeGreaterThanOrEqual(0);
  bytes[place] = (bytes[place] as number) ^ 0x20;
  writeFileSync(file, bytes);
}

function flipIndices(repository: string): void {
  for (const name of readdirSync(join(repository, 'dists'), { recursive: true, withFileTypes: true })) {
    if (!name.isFile() || !name.parentPath.includes('binary-')) continue;
    const file = join(name.parentPath, name.name);
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    writeFileSync(file, bytes);
  }
}

/** All versions: which there are depends on the tests that ran before. */
function flipPackages(repository: string): void {
  for (const name of readdirSync(join(repository, POOL)).filter((each) => each.startsWith('cell-agent_'))) {
    const file = join(repository, POOL, name);
    const bytes = readFileSync(file);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] as number) ^ 1;
    writeFileSync(file, bytes);
  }
}

function removeSignatures(repository: string): void {
  for (const name of ['InRelease', 'Release.gpg']) rmSync(join(repository, 'dists/stable', name));
}
