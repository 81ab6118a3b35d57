import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, type TestContext, test, vi } from 'vitest';
import { ensureKeyFile, withSigner } from './signing-key.ts';
import { sourcesFile, writeRepository } from './write-repository.ts';

const TOOLS = ['apt-ftparchive', 'apt-get', 'dpkg-deb', 'gpg', 'gpg-agent'];
const DATE = new Date('2026-11-22T12:00:00Z');

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cell-repository-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function skipWithoutTools(context: TestContext): void {
  const missing = TOOLS.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (missing.length > 0) context.skip(`Needs "${missing.join('", "')}"`);
}

/** An empty package. */
function makePackage(version: string): void {
  const tree = join(folder, 'tree');
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  const control = `Package: planted\nVersion: ${version}\nArchitecture: all\nMaintainer: A. Person <a@b.c>\nDescription: empty\n`;
  writeFileSync(join(tree, 'DEBIAN/control'), control);
  mkdirSync(join(folder, 'packages'), { recursive: true });
  run('dpkg-deb', '--build', '--root-owner-group', tree, join(folder, `packages/planted_${version}_all.deb`));
}

function makeRepository(key = 'key.asc'): string[] {
  ensureKeyFile(join(folder, key));
  const request = { packages: join(folder, 'packages'), output: join(folder, 'repository'), date: DATE };
  return withSigner(join(folder, key), (signer) => writeRepository({ ...request, signer }));
}

function run(command: string, ...parameters: string[]): { status: number | null; output: string } {
  const result = spawnSync(command, parameters, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  return { status: result.status, output: `${result.stdout}${result.stderr}` };
}

/** apt with files of its own, which knows this repository alone and trusts the key that the repository first had. */
function apt(...parameters: string[]): { status: number | null; output: string } {
  const root = join(folder, 'apt');
  if (!existsSync(root)) {
    for (const path of ['etc/apt.conf.d', 'etc/preferences.d', 'state/lists/partial', 'cache/archives/partial']) {
      mkdirSync(join(root, path), { recursive: true });
    }
    writeFileSync(join(root, 'status'), '');
    writeFileSync(join(root, 'trusted.asc'), readFileSync(join(folder, 'repository/cell.asc')));
    const sources = sourcesFile(`file:${folder}/repository`).replace(
      '/etc/apt/keyrings/cell.asc',
      `${root}/trusted.asc`,
    );
    mkdirSync(join(root, 'etc/sources.list.d'));
    writeFileSync(join(root, 'etc/sources.list.d/cell.sources'), sources);
  }
  const own = ['Dir::Etc=etc', 'Dir::State=state', 'Dir::Cache=cache', 'Dir::State::status=status', 'Dir::Log=log'];
  const settings = own.flatMap((setting) => ['-o', setting.replace('=', `=${root}/`)]);
  // As root, apt would fetch as a user that may not read this folder.
  return run('apt-get', ...settings, '-o', 'APT::Sandbox::User=root', '-o', 'Debug::NoLocking=true', ...parameters);
}

test('apt takes packages from a repository whose key it was given', (context) => {
  skipWithoutTools(context);
  makePackage('1.0.0');
  expect(makeRepository()).toEqual(['planted_1.0.0_all.deb']);
  expect(apt('update').output).not.toMatch(/^[EW]:/m);
  expect(apt('install', '--simulate', 'planted').output).toContain('Inst planted (1.0.0 Cell:stable [all])');
  expect(statSync(join(folder, 'key.asc')).mode & 0o777).toBe(0o600);
});

test('a newer package is added, and the older one can still be had', (context) => {
  skipWithoutTools(context);
  makePackage('1.0.0');
  makeRepository();
  apt('update');
  rmSync(join(folder, 'packages'), { recursive: true });
  makePackage('1.10.0');
  expect(makeRepository()).toEqual(['planted_1.0.0_all.deb', 'planted_1.10.0_all.deb']);
  expect(apt('update').output).not.toMatch(/^[EW]:/m);
  expect(apt('install', '--simulate', 'planted').output).toContain('Inst planted (1.10.0 ');
  expect(apt('install', '--simulate', 'planted=1.0.0').output).toContain('Inst planted (1.0.0 ');
});

test('apt refuses what was signed with another key, or changed after it was signed', (context) => {
  skipWithoutTools(context);
  makePackage('1.0.0');
  makeRepository();
  apt('update');
  makePackage('2.0.0');
  makeRepository('another.asc');
  expect(apt('update').output).toMatch(/not signed|could not be verified|NO_PUBKEY|Missing key/i);
  makeRepository();
  const release = join(folder, 'repository/dists/stable/InRelease');
  writeFileSync(release, readFileSync(release, 'utf8').replace('Origin: Cell', 'Origin: Else'));
  expect(apt('update').output).toMatch(/invalid|BADSIG|not valid|bad signature/i);
});

test('nothing is left of the key rings that the signing took', (context) => {
  skipWithoutTools(context);
  vi.stubEnv('TMPDIR', join(folder, 'temporary'));
  mkdirSync(join(folder, 'temporary'));
  makePackage('1.0.0');
  makeRepository();
  expect(readdirSync(join(folder, 'temporary'))).toEqual([]);
});

test('indices of the last two releases can be had by their hashes, and no older ones', (context) => {
  skipWithoutTools(context);
  const hashes = () => readdirSync(join(folder, 'repository/dists/stable/main/binary-amd64/by-hash/SHA256')).length;
  for (const [version, count] of [
    ['1.0.0', 2],
    ['1.0.1', 4],
    ['1.0.2', 4],
  ] as const) {
    makePackage(version);
    makeRepository();
    expect(hashes()).toBe(count);
  }
});

test('without packages, and with a key file that is none, it says what to do', (context) => {
  skipWithoutTools(context);
  expect(() => makeRepository()).toThrow(/Cannot find packages in ".*"; run "make packages" first/);
  writeFileSync(join(folder, 'none.asc'), 'no key');
  expect(() => makeRepository('none.asc')).toThrow(/none\.asc|gpg/);
});
