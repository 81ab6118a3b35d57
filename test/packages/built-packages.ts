import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { runCommand } from '../lab/machines/run-command.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** What git ignores; see `builtPackages`. */
const CACHE = join(ROOT, '.cache/test-packages');
/** Nobody who took packages out of the cache is still at it. */
const UNUSED_MS_MIN = 60 * 60 * 1000;
/** Any time in the past: the same for all builds, whatever was committed last. */
const TIME_S = 1_795_000_000;
const MS_PER_S = 1000;

export const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'amd64';

/**
 * Folder with the packages of a tree, which is the working tree or a copy, for this machine's architecture. Building
 * takes 15 s on an idle machine with two cores; so they are kept by the content of all that is or would be in the
 * repository but for tests, and all files and runs share them. Nobody may change them.
 */
export async function builtPackages(tree = ROOT): Promise<string> {
  const key = await contentOf(tree);
  const folder = join(CACHE, key);
  if (!existsSync(folder)) {
    mkdirSync(CACHE, { recursive: true });
    const next = mkdtempSync(join(CACHE, 'next-'));
    await buildPackages(tree, next);
    // Somebody may have changed the sources meanwhile, so that nobody knows of which these are.
    if ((await contentOf(tree)) !== key) return next;
    if (!isRenamed(next, folder)) return next;
  }
  const now = Date.now() / MS_PER_S;
  utimesSync(folder, now, now);
  removeUnused();
  return folder;
}

/** Builds, come what may. `settings` are of the environment, as for env(1). */
export async function buildPackages(tree: string, output: string, settings: readonly string[] = []): Promise<void> {
  const program = join(tree, 'packaging/src/packages/main.ts');
  const environment = [`SOURCE_DATE_EPOCH=${TIME_S}`, ...settings];
  const words = [program, '--arch', ARCHITECTURE, '--output', output];
  await runCommand('env', [...environment, process.execPath, ...words]);
}

/** Paths of what is or would be in the repository. */
export async function repositoryFiles(): Promise<string[]> {
  const words = ['-C', ROOT, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const listed = await runCommand('git', words);
  return listed.split('\0').filter((path) => path !== '' && existsSync(join(ROOT, path)));
}

/** Not if somebody else was quicker: a folder with files in it is never replaced. */
function isRenamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

async function contentOf(tree: string): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  for (const path of await repositoryFiles()) {
    if (path.startsWith('test/') || path.endsWith('.test.ts')) continue;
    const content = createHash('sha256')
      .update(readFileSync(join(tree, path)))
      .digest('hex');
    hash.update(`${path} ${content}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

function removeUnused(): void {
  for (const name of readdirSync(CACHE)) {
    const folder = join(CACHE, name);
    const usedMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - usedMs > UNUSED_MS_MIN) rmSync(folder, { recursive: true, force: true });
  }
}
