import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { builtPackages } from '../../packages/built-packages.ts';
import { repackPackages } from '../../packages/repack-packages.ts';
import { runCommand } from '../machines/run-command.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const PACKAGE_ROW = /^(packages|repository) (\S+) (\S+)$/gm;

/** What packages and a repository are built with and this machine lacks, as a sentence; undefined if nothing. */
export function whyNoPackages(): string | undefined {
  const rows = [...readFileSync(join(ROOT, 'scripts/debian-packages.txt'), 'utf8').matchAll(PACKAGE_ROW)];
  // The tools for the other architecture are for "make packages".
  const own = rows.filter(([, , name]) => name?.startsWith('binutils-') !== true);
  const missing = own.find(([, , , command]) => !isThere(command ?? ''));
  return missing && `Needs "${missing[3]}", of Debian's package "${missing[2]}", to build packages`;
}

function isThere(command: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, command)));
}

/**
 * Adds the packages of this working tree, for this machine's architecture, to the signed repository in `folder`, which is
 * made if it isn't there. Packages that it has already stay. The key lies beside the repository. With a version other
 * than the tree's own, they differ in nothing but that.
 */
export async function buildRepository(folder: string, version: string): Promise<void> {
  const own = ownVersion();
  let packages = await builtPackages();
  if (version !== own) {
    const others = `${folder}.packages-${version}`;
    await repackPackages(packages, own, version, others);
    packages = others;
  }
  const program = join(ROOT, 'packaging/src/repository/main.ts');
  await runCommand(process.execPath, [program, '--packages', packages, '--output', folder, '--key', `${folder}.key`]);
}

function ownVersion(): string {
  return (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
}
