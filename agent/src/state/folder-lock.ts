import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../agent-error.ts';
import { isAlive, type ProcessIdentity, readBootId, readStat } from '../runtime/process/process-identity.ts';

/** Two agents that start at once may meet a lock of a dead one this often. */
const ATTEMPTS_MAX = 5;

/**
 * Makes sure that no other living agent uses the folder. The lock names its holder by process id, start and boot, so
 * that one left by a killed agent holds up nobody. Resolves with how to let go of it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const lock = join(folder, 'lock');
  const own = ownLine();
  const draft = join(folder, `lock.${process.pid}`);
  await writeFile(draft, own, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      if (await tryLink(draft, lock)) return () => release(lock, own);
      const holder = await readFile(lock, 'utf8').catch(() => '');
      const living = livingHolder(holder);
      if (living !== undefined) throw inUse(folder, living.pid);
      // Moved away rather than deleted: only one of several can do it.
      await rename(lock, `${draft}.stale`).catch(() => undefined);
      await rm(`${draft}.stale`, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw inUse(folder, 0);
}

async function tryLink(draft: string, lock: string): Promise<boolean> {
  try {
    await link(draft, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function release(lock: string, own: string): Promise<void> {
  if ((await readFile(lock, 'utf8').catch(() => '')) === own) await rm(lock, { force: true });
}

function ownLine(): string {
  return `${process.pid} ${readStat(process.pid)?.startTicks} ${readBootId()}\n`;
}

function livingHolder(line: string): ProcessIdentity | undefined {
  const [pid, startTicks, bootId] = line.trim().split(' ');
  const identity = { pid: Number(pid), startTicks: Number(startTicks) };
  return bootId === readBootId() && isAlive(identity) ? identity : undefined;
}

function inUse(folder: string, pid: number): AgentError {
  return new AgentError(
    'CELL_E_DATA_IN_USE',
    `Could not use the data folder "${folder}": another agent (process ${pid}) uses it; end that one, or set another "data"`,
  );
}
