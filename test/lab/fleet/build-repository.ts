import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { runCommand } from '../machines/run-command.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
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
 * Builds the packages of this working tree for this machine's architecture, and adds them to the signed repository in
 * `folder`, which is made if it isn't there. Packages that it has already stay. The key lies beside the repository.
 */
export async function buildRepository(folder: string, version: string): Promise<void> {
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const packages = `${folder}.packages-${version}`;
  const main = (part: string) => join(ROOT, `packaging/src/${part}/main.ts`);
  const node = (words: readonly string[]) => runCommand(process.execPath, words);
  await node([main('packages'), '--arch', architecture, '--version', version, '--output', packages]);
  await node([main('repository'), '--packages', packages, '--output', folder, '--key', `${folder}.key`]);
}
