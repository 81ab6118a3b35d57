import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PackagingError } from '../packaging-error.ts';
import { runCommand } from '../run-command.ts';
import type { Signer } from './signing-key.ts';

export const SUITE = 'stable';
export const KEY_FILE = 'cell.asc';
const COMPONENT = 'main';
const ARCHITECTURES = ['amd64', 'arm64'];
const POOL = 'pool/main/c/cell';
const BY_HASH = 'by-hash/SHA256';

interface RepositoryRequest {
  /** Folder with the packages to add. */
  readonly packages: string;
  /** Folder of the repository; the versions that it has already stay, so that a machine can go back. */
  readonly output: string;
  readonly signer: Signer;
  /** The time that the repository says it is from. */
  readonly date: Date;
}

interface IndexFile {
  /** Below the suite's folder. */
  readonly path: string;
  readonly content: Buffer;
}

/**
 * Adds packages to an apt repository, as https://wiki.debian.org/DebianRepository/Format says, or makes it. What is
 * served meanwhile stays whole: packages and indices come first, by their hashes, and who names them comes last.
 *
 * @returns the names of all packages that it has
 */
export function writeRepository({ packages, output, signer, date }: RepositoryRequest): string[] {
  addToPool(packages, join(output, POOL));
  const suite = join(output, 'dists', SUITE);
  const indices = ARCHITECTURES.flatMap((architecture) => makeIndices(output, architecture));
  const release = makeRelease(indices, date);
  for (const { path, content } of indices) {
    const folder = join(suite, dirname(path));
    mkdirSync(join(folder, BY_HASH), { recursive: true });
    writeFileSync(join(folder, BY_HASH, sha256(content)), content);
    replaceFile(join(suite, path), content);
  }
  const before = readIfThere(join(suite, 'Release'));
  replaceFile(join(output, KEY_FILE), signer.publicKey);
  replaceFile(join(suite, 'Release.gpg'), signer.detachSign(release));
  replaceFile(join(suite, 'Release'), release);
  replaceFile(join(suite, 'InRelease'), signer.clearSign(release));
  forgetOldIndices(suite, `${before}${release}`);
  return readdirSync(join(output, POOL)).toSorted();
}

/** The text for /etc/apt/sources.list.d/cell.sources. */
export function sourcesFile(url: string): string {
  return `Types: deb\nURIs: ${url}\nSuites: ${SUITE}\nComponents: ${COMPONENT}\nSigned-By: /etc/apt/keyrings/${KEY_FILE}\n`;
}

function addToPool(packages: string, pool: string): void {
  const names = existsSync(packages) ? readdirSync(packages).filter((name) => name.endsWith('.deb')) : [];
  if (names.length === 0) throw new PackagingError(`Cannot find packages in "${packages}"; run "make packages" first`);
  mkdirSync(pool, { recursive: true });
  for (const name of names) {
    copyFileSync(join(packages, name), join(pool, `${name}.next`));
    renameSync(join(pool, `${name}.next`), join(pool, name));
  }
}

/** The list of packages for an architecture, and the same compressed. */
function makeIndices(output: string, architecture: string): IndexFile[] {
  const path = `${COMPONENT}/binary-${architecture}/Packages`;
  const text = runCommand('apt-ftparchive', ['--arch', architecture, 'packages', POOL], { cwd: output });
  const content = Buffer.from(text);
  return [
    { path, content },
    { path: `${path}.gz`, content: gzipSync(content, { level: 9 }) },
  ];
}

function makeRelease(indices: readonly IndexFile[], date: Date): string {
  const lines = indices.map(({ path, content }) => ` ${sha256(content)} ${content.length} ${path}`);
  return `Origin: Cell
Label: Cell
Suite: ${SUITE}
Codename: ${SUITE}
Date: ${date.toUTCString().replace('GMT', '+0000')}
Architectures: ${ARCHITECTURES.join(' ')}
Components: ${COMPONENT}
Acquire-By-Hash: yes
Description: Packages of Cell
SHA256:
${lines.join('\n')}
`;
}

/** Keeps the indices by hash that the last two releases name: a machine may be between reading one and the other. */
function forgetOldIndices(suite: string, releases: string): void {
  for (const architecture of ARCHITECTURES) {
    const folder = join(suite, COMPONENT, `binary-${architecture}`, BY_HASH);
    for (const name of readdirSync(folder)) if (!releases.includes(name)) rmSync(join(folder, name));
  }
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** At once, for who reads meanwhile. */
function replaceFile(file: string, content: string | Buffer): void {
  writeFileSync(`${file}.next`, content);
  renameSync(`${file}.next`, file);
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
