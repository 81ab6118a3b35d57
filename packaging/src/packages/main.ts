/** Builds the Debian packages: `make packages`, or `node packaging/src/packages/main.ts --arch amd64`. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PackagingError } from '../packaging-error.ts';
import { ARCHITECTURES, type Architecture } from './architectures.ts';
import { buildPackages } from './build-packages.ts';
import { readRelease } from './release.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const MB = 1e6;

function findArchitectures(names: string | undefined): Architecture[] {
  if (names === undefined || names === '') return [...ARCHITECTURES];
  return names.split(/[ ,]+/).map((name) => {
    const found = ARCHITECTURES.find(({ debian }) => debian === name);
    if (found !== undefined) return found;
    const known = ARCHITECTURES.map(({ debian }) => debian).join('" or "');
    throw new PackagingError(`Cannot build for "${name}"; choose "${known}"`);
  });
}

async function main(): Promise<void> {
  const options = { arch: { type: 'string' }, version: { type: 'string' }, output: { type: 'string' } } as const;
  const { values } = parseArgs({ options });
  const startedMs = performance.now();
  const workspace = mkdtempSync(join(tmpdir(), 'cell-packages-'));
  try {
    const paths = await buildPackages({
      root: ROOT,
      release: readRelease(ROOT, values.version || undefined),
      architectures: findArchitectures(values.arch),
      output: resolve(values.output ?? join(ROOT, 'dist/packages')),
      workspace,
    });
    for (const path of paths) {
      process.stdout.write(
        `${(statSync(path).size / MB).toFixed(1).padStart(5)} MB  ${relative(process.cwd(), path)}\n`,
      );
    }
    process.stdout.write(`built in ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`);
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  const { message, stack } = error as Error;
  process.stderr.write(`${error instanceof PackagingError ? `${error.code}: ${message}` : stack}\n`);
  process.exitCode = 1;
}
