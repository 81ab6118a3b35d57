import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PackagingError } from '../packaging-error.ts';
import { runCommand } from '../run-command.ts';
import type { Architecture } from './architectures.ts';

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly integrity?: string }>>;
}

interface Pinned {
  readonly name: string;
  readonly version: string;
  /** As in lock files of npm: algorithm, hyphen, base64. */
  readonly integrity: string;
}

export interface NodeRuntime {
  readonly version: string;
  /** Has bin/node and LICENSE. */
  readonly folder: string;
}

/**
 * Node for an architecture, at the version and checksum that the toolchain is pinned to: from the toolchain if this
 * machine has that architecture, else from npm, kept below `cache`.
 */
export function provideNodeRuntime(root: string, architecture: Architecture, cache: string): NodeRuntime {
  const pinned = readPinned(root, architecture.nodePackage);
  const installed = join(root, '.toolchain/node_modules', pinned.name);
  if (versionOf(installed) === pinned.version) return { version: pinned.version, folder: installed };
  const folder = join(cache, `${pinned.name}-${pinned.version}`);
  if (!existsSync(folder)) unpack(fetchArchive(pinned, cache), folder);
  return { version: pinned.version, folder };
}

function readPinned(root: string, name: string): Pinned {
  const lock = JSON.parse(readFileSync(join(root, 'scripts/toolchain/package-lock.json'), 'utf8')) as Lock;
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined) {
    throw new PackagingError(`Cannot find "${name}" in scripts/toolchain/package-lock.json`);
  }
  return { name, version, integrity };
}

function versionOf(folder: string): string | undefined {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return undefined;
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string }).version;
}

/** The path of the checked archive. */
function fetchArchive(pinned: Pinned, cache: string): string {
  mkdirSync(cache, { recursive: true });
  const archive = join(cache, `${pinned.name}-${pinned.version}.tgz`);
  runCommand('npm', ['pack', '--silent', '--pack-destination', cache, `${pinned.name}@${pinned.version}`]);
  checkIntegrity(readFileSync(archive), pinned);
  return archive;
}

/** Throws unless the content is what the lock file says. */
export function checkIntegrity(content: Uint8Array, pinned: Pinned): void {
  const [algorithm = '', expected] = pinned.integrity.split('-', 2);
  const actual = createHash(algorithm).update(content).digest('base64');
  if (actual === expected) return;
  throw new PackagingError(
    `"${pinned.name}" ${pinned.version} from npm has ${algorithm} "${actual}" instead of "${expected}"; do not use it`,
  );
}

function unpack(archive: string, folder: string): void {
  const next = `${folder}.next`;
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  runCommand('tar', ['-xzf', archive, '-C', next, '--strip-components=1', 'package/bin', 'package/LICENSE']);
  renameSync(next, folder);
  rmSync(archive);
}
