import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPackages, builtPackages, repositoryFiles } from './built-packages.ts';
import { whyNoTools } from './missing-tools.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PACKAGES = ['cell-agent', 'cell-control-plane', 'cell-runtime', 'cellctl'];
const BUILD_TOOLS = ['cp', 'dh', 'dpkg-buildpackage', 'git'];
const BYTES_MAX = 60e6;
/** Far more than building takes on a busy machine. */
const BUILD_MS_MAX = 600_000;
/** That libraries of Debian 12 have; what Node needs of them is far older. */
const DECLARED = { GLIBC: [2, 28], GLIBCXX: [3, 4, 22] } as const;

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cell-packages-test-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A copy of the working tree, which changes for nobody meanwhile. */
let tree = '';

/** From the copy, for all tests. */
let built: Promise<string> | undefined;

function packages(): Promise<string> {
  built ??= copyTree().then(() => builtPackages(tree));
  return built;
}

function files(output: string): string[] {
  return readdirSync(output).toSorted();
}

function checksums(output: string): Record<string, string> {
  const sums = files(output).map((name) => [
    name,
    createHash('sha256')
      .update(readFileSync(join(output, name)))
      .digest('hex'),
  ]);
  return Object.fromEntries(sums) as Record<string, string>;
}

test('there are four packages, each below 60 MB', { timeout: BUILD_MS_MAX }, async (context) => {
  const reason = whyNoTools(BUILD_TOOLS);
  if (reason !== undefined) return context.skip(reason);
  const names = files(await packages());
  expect(names.map((name) => name.split('_')[0])).toEqual(PACKAGES);
  for (const name of names) expect(statSync(join(await packages(), name)).size, name).toBeLessThan(BYTES_MAX);
});

test('built again in another folder, for other people, packages are the same to the byte', {
  timeout: BUILD_MS_MAX,
}, async (context) => {
  const reason = whyNoTools(BUILD_TOOLS);
  if (reason !== undefined) return context.skip(reason);
  const first = await packages();
  const elsewhere = join(folder, 'another folder of the tree');
  renameSync(tree, elsewhere);
  tree = elsewhere;
  const settings = ['TZ=Asia/Tokyo', 'LC_ALL=C', `HOME=${folder}`, 'DEB_BUILD_OPTIONS=noopt', 'CFLAGS=-O0'];
  const mask = process.umask(0o077);
  try {
    await buildPackages(tree, join(folder, 'again'), settings);
  } finally {
    process.umask(mask);
  }
  expect(checksums(join(folder, 'again'))).toEqual(checksums(first));
});

/** What is or would be in the repository, and what is installed. */
async function copyTree(): Promise<void> {
  tree = join(folder, 'tree');
  for (const path of await repositoryFiles()) cpSync(join(ROOT, path), join(tree, path));
  for (const path of ['node_modules', '.toolchain']) {
    const target = join(tree, path);
    const linked = spawnSync('cp', ['--archive', '--link', join(ROOT, path), target]);
    if (linked.status !== 0) cpSync(join(ROOT, path), target, { recursive: true, verbatimSymlinks: true });
  }
}

test('lintian finds no error and no warning that has no written reason', { timeout: BUILD_MS_MAX }, async (context) => {
  const reason = whyNoTools([...BUILD_TOOLS, 'lintian']);
  if (reason !== undefined) return context.skip(reason);
  const output = await packages();
  const paths = files(output).map((name) => join(output, name));
  const words = ['--allow-root', '--fail-on', 'error,warning', ...paths];
  const { status, stdout, stderr } = spawnSync('lintian', words, { encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('each exception from lintian has its reason above it', () => {
  const debian = join(ROOT, 'packaging/debian');
  for (const name of readdirSync(debian).filter((file) => file.endsWith('.lintian-overrides'))) {
    expect(readFileSync(join(debian, name), 'utf8'), name).toMatch(/^# \S/);
  }
});

test('the runtime needs no newer libraries than its package declares', { timeout: BUILD_MS_MAX }, async (context) => {
  const reason = whyNoTools([...BUILD_TOOLS, 'readelf']);
  if (reason !== undefined) return context.skip(reason);
  const node = join(await unpacked('cell-runtime'), 'usr/lib/cell/node');
  const { stdout } = spawnSync('readelf', ['--version-info', '--wide', node], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const needed = [...stdout.matchAll(/\b(GLIBC|GLIBCXX)_([\d.]+)/g)];
  expect(needed.length).toBeGreaterThan(0);
  for (const [name, library, version = ''] of needed) {
    expect(isAtMost(version, DECLARED[library as keyof typeof DECLARED]), name).toBe(true);
  }
});

function isAtMost(version: string, most: readonly number[]): boolean {
  const parts = version.split('.').map(Number);
  const index = most.findIndex((part, place) => part !== (parts[place] ?? 0));
  return index === -1 || (parts[index] ?? 0) < most[index]!;
}

test('each program says the version of its package, with the runtime that comes along', {
  timeout: BUILD_MS_MAX,
}, async (context) => {
  const reason = whyNoTools(BUILD_TOOLS);
  if (reason !== undefined) return context.skip(reason);
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const node = join(await unpacked('cell-runtime'), 'usr/lib/cell/node');
  for (const [name, program] of [
    ['cell-agent', 'agent'],
    ['cell-control-plane', 'control-plane'],
    ['cellctl', 'cellctl'],
  ] as const) {
    const bundle = join(await unpacked(name), `usr/lib/cell/${program}.mjs`);
    // Outside of every node_modules.
    const result = spawnSync(node, [bundle, '--version'], { encoding: 'utf8', cwd: dirname(bundle) });
    expect(result.stdout, result.stderr).toContain(version);
  }
});

async function unpacked(name: string): Promise<string> {
  const target = join(folder, 'unpacked', name);
  if (existsSync(target)) return target;
  mkdirSync(dirname(target), { recursive: true });
  const output = await packages();
  const file = files(output).find((candidate) => candidate.startsWith(`${name}_`));
  expect(spawnSync('dpkg-deb', ['--extract', join(output, file ?? ''), target]).status).toBe(0);
  return target;
}
