import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessIdentity, type ProcessStat, parseStat } from './process-identity.ts';

/** The variable by which processes that left their session are still found. */
export const ALLOCATION_VARIABLE = 'CELL_ALLOCATION';

/** Gives the environment of a process; rejects if it can't be seen. */
type ReadEnvironment = (pid: number) => Promise<string>;

/** A process that becomes another program has no environment for a moment; so often it is looked at again. */
const LOOKS_MAX = 8;
const LOOK_PAUSE_MS = 5;

/** All processes of the machine that this process may see. */
export async function readProcessTable(): Promise<ProcessStat[]> {
  const names = await readdir('/proc');
  const pids = names.filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')));
  return stats.map(parseStat).filter((stat) => stat !== undefined);
}

/**
 * Those of the table that belong to an allocation: the session of its leader, for as long as the leader lives, since
 * then its id is certain; and all that carry the allocation's id in their environment, wherever they went.
 */
export async function processesOf(
  id: string,
  leader: ProcessIdentity | undefined,
  table: readonly ProcessStat[],
  read: ReadEnvironment = readEnvironment,
): Promise<ProcessStat[]> {
  const leaderLives = table.some((stat) => stat.pid === leader?.pid && stat.startTicks === leader.startTicks);
  const living = table.filter((stat) => stat.state !== 'Z');
  const inSession = (stat: ProcessStat): boolean =>
    leaderLives && (stat.session === leader?.pid || stat.pid === leader?.pid);
  const belongs = await Promise.all(living.map(async (stat) => inSession(stat) || (await carriesId(stat, id, read))));
  return living.filter((_, index) => belongs[index]);
}

/** Those of the leader's session alone; cheap enough for every heartbeat. */
export function sessionOf(leader: ProcessIdentity, table: readonly ProcessStat[]): ProcessStat[] {
  const leaderLives = table.some((stat) => stat.pid === leader.pid && stat.startTicks === leader.startTicks);
  return leaderLives ? table.filter((stat) => stat.session === leader.pid && stat.state !== 'Z') : [];
}

async function carriesId({ pid, virtualBytes }: ProcessStat, id: string, read: ReadEnvironment): Promise<boolean> {
  // The kernel's own have neither memory nor environment.
  if (virtualBytes === 0) return false;
  for (let look = 0; look < LOOKS_MAX; look += 1) {
    const environment = await read(pid).catch(() => undefined);
    if (environment !== '') return `\0${environment}`.includes(`\0${ALLOCATION_VARIABLE}=${id}\0`);
    await sleep(LOOK_PAUSE_MS);
  }
  return false;
}

function readEnvironment(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/environ`, 'latin1');
}
