import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { AgentError } from '../../agent-error.ts';

export interface UserAccount {
  readonly uid: number;
  readonly gid: number;
}

const run = promisify(execFile);
const LOOKUP_TIMEOUT_MS = 10_000;

/**
 * The account to run as; undefined for the agent's own. Rejects with `CELL_E_CANNOT_RUN` if there is no such user, or
 * if this process may not become it. `getent` knows all sources that the machine is set up for.
 */
export async function findUser(name: string): Promise<UserAccount | undefined> {
  // Asked first: an agent whose own uid has no entry, as in containers, must still run what names no user.
  if (name === '') return undefined;
  const own = userInfo();
  if (name === own.username) return undefined;
  const line = await passwdEntry(name);
  const [, , uid, gid] = line.split(':').map(Number);
  if (uid === undefined || gid === undefined) throw unknownUser(name);
  if (uid === own.uid) return undefined;
  if (own.uid !== 0) {
    throw new AgentError(
      'CELL_E_CANNOT_RUN',
      `Could not run as user "${name}": the agent runs as "${own.username}" and may not change users; ` +
        `leave "user" out of the job, or run the agent as root`,
    );
  }
  return { uid, gid };
}

async function passwdEntry(name: string): Promise<string> {
  try {
    return (await run('getent', ['passwd', '--', name], { timeout: LOOKUP_TIMEOUT_MS })).stdout;
  } catch (error) {
    if ((error as { code?: unknown }).code === 2) throw unknownUser(name);
    throw new AgentError('CELL_E_CANNOT_RUN', `Could not look up user "${name}": ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function unknownUser(name: string): AgentError {
  return new AgentError('CELL_E_CANNOT_RUN', `Could not find user "${name}" on this node; create it, or change "user"`);
}
