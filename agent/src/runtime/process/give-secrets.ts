import { chmod, chown, lchown, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../agent-error.ts';
import type { UserAccount } from './user-account.ts';

const READABLE_BY_GROUP = 0o750;
const READABLE_BY_OWNER = 0o400;

/**
 * Lets the user of a run read its secrets. The folder stays the agent's own, so that nothing in it can be changed or put
 * in its place.
 */
export async function giveSecrets(folder: string, user: UserAccount): Promise<void> {
  try {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      await chmod(path, READABLE_BY_OWNER);
      await lchown(path, user.uid, user.gid);
    }
    await chown(folder, process.getuid?.() ?? 0, user.gid);
    await chmod(folder, READABLE_BY_GROUP);
  } catch (error) {
    const why = (error as Error).message;
    throw new AgentError('CELL_E_CANNOT_RUN', `Could not give its secrets to the user of the command: ${why}`, {
      cause: error,
    });
  }
}

/** As systemd names it: see systemd.exec(5), "Credentials". */
export function secretsEnvironment(secretsFolder: string): Readonly<Record<string, string>> {
  return secretsFolder === '' ? {} : { CREDENTIALS_DIRECTORY: secretsFolder };
}
