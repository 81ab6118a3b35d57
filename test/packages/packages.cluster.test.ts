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
import { whyNoTools } from './missing-tools.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';
const PACKAGES = ['cell-agent', 'cell-control-plane', 'cell-runtime', 'cellctl'];
const BUILD_TOOLS = ['cp', 'dh', 'dpkg-buildpackage', 'git'];
const BYTES_MAX = 60e6;
/** Any time in the past. */
const TIME_S = 1_795_000_000;
/** Building takes 15 s on an idle machine with two cores. */
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

/** Builds from the copy, for this machine's architecture. */
function build(output: string, environment: NodeJS.ProcessEnv = {}): string {
  const program = join(tree, 'packaging/src/packages/main.ts');
  const result = spawnSync(process.execPath, [program, '--arch', ARCHITECTURE, '--output', output], {
    encoding: 'utf8',
    env: { ...process.env, SOURCE_DATE_EPOCH: `${TIME_S}`, ...environment },
    cwd: tree,
  });
  expect(result.stderr).toBe('');
  return output;
}

/** Built once for all tests. */
function packages(): string {
  const output = join(folder, 'packages');
  if (existsSync(output)) return output;
  tree = join(folder, 'tree');
  copyTree(tree);
  return build(output);
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

test('there are four packages, each below 60 MB', { timeout: BUILD_MS_MAX }, (context) => {
  const reason = whyNoTools(BUILD_TOOLS);
  if (reason !== undefined) return context.skip(reason);
  const names = files(packages());
  expect(names.map((name) => name.split('_')[0])).toEqual(PACKAGES);
  for (const name of names) expect(statSync(join(packages(), name)).size, name).toBeLessThan(BYTES_MAX);
});

test('built again in another folder, for other people, packages are the same to the byte', {
  timeout: BUILD_MS_MAX,
}, (context) => {
  const reason = whyNoTools(BUILD_TOOLS);
  if (reason !== undefined) return context.skip(reason);
  const first = packages();
  const elsewhere = join(folder, 'another folder of the tree');
  renameSync(tree, elsewhere);
  tree = elsewhere;
  const environment = { TZ: 'Asia/Tokyo', LC_ALL: 'C', HOME: folder, DEB_BUILD_OPTIONS: 'noopt', CFLAGS: '-O0' };
  const mask = process.umask(0o077);
  try {
    build(join(folder, 'again'), environment);
  } finally {
    process.umask(mask);
  }
  expect(checksums(join(folder, 'again'))).toEqual(checksums(first));
});

/** What is or would be in the repository, and what is installed. */
function copyTree(copy: string): void {
  const listed = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: ROOT });
  for (const path of listed.stdout.toString().split('\0')) {
    if (path !== '' && existsSync(join(ROOT, path))) cpSync(join(ROOT, path), join(copy, path));
  }
  for (const path of ['node_modules', '.toolchain']) {
    const target = join(copy, path);
    const linked = spawnSync('cp', ['--archive', '--link', join(ROOT, path), target]);
    if (linked.status !== 0) cpSync(join(ROOT, path), target, { recursive: true, verbatimSymlinks: true });
  }
}

test('lintian finds no error and no warning that has no written reason', { timeout: BUILD_MS_MAX }, (context) => {
  const reason = whyNoTools([...BUILD_TOOLS, 'lintian']);
  if (reason !== undefined) return context.skip(reason);
  const paths = files(packages()).map((name) => join(packages(), name));
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

test('the runtime needs no newer libraries than its package declares', { timeout: BUILD_MS_MAX }, (context) => {
  const reason = whyNoTools([...BUILD_TOOLS, 'readelf']);
  if (reason !== undefined) return context.skip(reason);
  const node = join(unpacked('cell-runtime'), 'usr/lib/cell/node');
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
}, (context) => {
  const reason = whyNoTools(BUILD_TOOLS);
  if (reason !== undefined) return context.skip(reason);
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const node = join(unpacked('cell-runtime'), 'usr/lib/cell/node');
  for (const [name, program] of [
    ['cell-agent', 'agent'],
    ['cell-control-plane', 'control-plane'],
    ['cellctl', 'cellctl'],
  ] as const) {
    const bundle = join(unpacked(name), `usr/lib/cell/${program}.mjs`);
    // Outside of every node_modules.
    const result = spawnSync(node, [bundle, '--version'], { encoding: 'utf8', cwd: dirname(bundle) });
    expect(result.stdout, result.stderr).toContain(version);
  }
});

function unpacked(name: string): string {
  const target = join(folder, 'unpacked', name);
  if (existsSync(target)) return target;
  mkdirSync(dirname(target), { recursive: true });
  const file = files(packages()).find((candidate) => candidate.startsWith(`${name}_`));
  expect(spawnSync('dpkg-deb', ['--extract', join(packages(), file ?? ''), target]).status).toBe(0);
  return target;
}
