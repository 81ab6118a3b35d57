import { createHash } from 'node:crypto';
import { lstat, mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@cell/config/make-folder';

/** Where secrets lie while they are needed. */
export interface SecretRoot {
  readonly path: string;
  /** Memory alone; else a disk keeps what is written there. */
  readonly volatile: boolean;
}

export interface SecretRootSettings {
  readonly runtime: 'process' | 'systemd' | 'memory';
  /** The agent's data folder. */
  readonly data: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Made by systemd for the agent's unit; only one agent of a machine has this runtime. */
const UNIT_ROOT = '/run/cell-agent/secrets';
/** linux/magic.h: TMPFS_MAGIC, RAMFS_MAGIC. */
const VOLATILE_TYPES: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
/** Passage only: commands may run as other users, who reach their own folder. */
const PASSAGE = 0o711;
const WRITABLE_BY_OTHERS = 0o022;

/** Finds and makes the folder, in memory if this machine has such a place for the agent. */
export async function openSecretRoot({ runtime, data, environment }: SecretRootSettings): Promise<SecretRoot> {
  if (runtime === 'systemd') {
    makeFolder(UNIT_ROOT, PASSAGE);
    return { path: UNIT_ROOT, volatile: true };
  }
  // Agents in the same place must not meet; the same agent finds its own again.
  const name = `cell-agent-${createHash('sha256').update(data).digest('hex').slice(0, 16)}`;
  for (const place of [environment['XDG_RUNTIME_DIR'], '/run', '/dev/shm']) {
    if (place === undefined || place === '') continue;
    const path = join(place, name);
    if ((await isVolatile(place)) && (await makeOwnFolder(path))) return { path, volatile: true };
  }
  const path = join(data, 'run', 'secrets');
  makeFolder(path, PASSAGE);
  return { path, volatile: false };
}

async function isVolatile(place: string): Promise<boolean> {
  return statfs(place).then(
    ({ type }) => VOLATILE_TYPES.has(type),
    () => false,
  );
}

/**
 * Makes the folder if it is not there. False if it can't be made, or is not this user's alone: in a place where everybody
 * may write, it may be somebody's trap.
 */
export async function makeOwnFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: PASSAGE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
  }
  const found = await lstat(path);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & WRITABLE_BY_OTHERS) === 0;
}
