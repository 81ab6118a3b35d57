import type { ProcessIdentity } from './process-identity.ts';
import { isAlive } from './process-identity.ts';
import { processesOf, readProcessTable } from './process-table.ts';

/** A process can start another one between being found and being killed; this often we look again. */
const ROUNDS_MAX = 8;

/** Signals the process group that the leader leads; does nothing if that very leader has ended. */
export function signalGroup(leader: ProcessIdentity, signal: string): void {
  if (isAlive(leader)) send(-leader.pid, signal as NodeJS.Signals);
}

/** SIGKILL to all that belongs to an allocation, in rounds until a look finds nothing new. */
export async function killAll(id: string, leader: ProcessIdentity | undefined): Promise<void> {
  const killed = new Set<string>();
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const found = await processesOf(id, leader, await readProcessTable());
    const fresh = found.filter((stat) => !killed.has(`${stat.pid} ${stat.startTicks}`));
    if (fresh.length === 0) return;
    // The leader last: while it is there, the id of its session is certain.
    for (const stat of fresh.sort(
      (left, right) => Number(left.pid === leader?.pid) - Number(right.pid === leader?.pid),
    )) {
      killed.add(`${stat.pid} ${stat.startTicks}`);
      if (isAlive(stat)) send(stat.pid, 'SIGKILL');
    }
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended in between, or one of a group's processes is another user's; the next round finds what is left.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}
