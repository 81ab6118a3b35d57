import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { diskError, StorageError } from './storage-error.ts';

const ATTEMPTS_MAX = 5;

/** Tells one process from all others, also after its number was given out again and after a reboot. */
interface Owner {
  readonly pid: number;
  /** Clock ticks since boot at which it started; empty where there is no /proc. */
  readonly started: string;
  readonly boot: string;
}

/**
 * Takes the directory for this process alone; returns how to give it back. A lock left behind by a process that is
 * gone is taken over. Throws `CELL_E_DIRECTORY_IN_USE`.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const file = path.join(directory, 'lock');
  const mine = JSON.stringify(await describeOwner(process.pid));
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    if (await createLock(file, mine)) return () => unlink(file).catch(() => undefined);
    const found = await readFile(file, 'utf8').catch(() => undefined);
    if (found === undefined) continue;
    const owner = parseOwner(found);
    if (owner !== undefined && (await isAlive(owner))) throw inUse(directory, owner.pid);
    await removeStale(file, found);
  }
  throw inUse(directory, 0);
}

/** The content is there as soon as the name is: made aside, then linked, which fails if the name exists. */
async function createLock(file: string, content: string): Promise<boolean> {
  const aside = `${file}.${process.pid}.${Math.floor(performance.now() * 1000)}`;
  try {
    await writeFile(aside, content, { flag: 'wx', mode: 0o600 });
    await link(aside, file);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw diskError('create', file, cause);
  } finally {
    await unlink(aside).catch(() => undefined);
  }
}

/** Two processes may find the same stale lock: one that moved the other's new lock away puts it back. */
async function removeStale(file: string, stale: string): Promise<void> {
  const aside = `${file}.stale.${process.pid}`;
  await rename(file, aside).catch(() => undefined);
  const moved = await readFile(aside, 'utf8').catch(() => stale);
  if (moved !== stale) await link(aside, file).catch(() => undefined);
  await unlink(aside).catch(() => undefined);
}

async function describeOwner(pid: number): Promise<Owner> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  // The command's name is in brackets and may hold anything; the start time is field 22, the 20th behind it.
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return { pid, started, boot: boot.trim() };
}

async function isAlive(owner: Owner): Promise<boolean> {
  const now = await describeOwner(owner.pid);
  if (owner.boot !== now.boot) return false;
  if (now.started !== '' || owner.started !== '') return now.started === owner.started;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function parseOwner(text: string): Owner | undefined {
  try {
    const { pid, started, boot } = JSON.parse(text) as Partial<Owner>;
    if (!Number.isSafeInteger(pid) || typeof started !== 'string' || typeof boot !== 'string') return undefined;
    return { pid: pid as number, started, boot };
  } catch {
    return undefined;
  }
}

function inUse(directory: string, pid: number): StorageError {
  const message =
    `Data directory "${directory}" is in use by ${pid === 0 ? 'another process' : `process ${pid}`}. ` +
    'Stop that process, or give this one a directory of its own';
  return new StorageError('CELL_E_DIRECTORY_IN_USE', message, { file: directory });
}
