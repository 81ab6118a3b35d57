import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Puts a copy of the supervisor's script into the runtime's folder and returns its path. There users that the agent
 * may start commands as can read it, and a newer agent, whose script has another name, takes nothing from under
 * those that run.
 */
export async function installSupervisor(folder: string): Promise<string> {
  const text = await readFile(join(import.meta.dirname, 'supervisor.sh'));
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const path = join(folder, `supervisor.${digest}.sh`);
  await writeFile(`${path}.new`, text, { mode: 0o755 });
  await rename(`${path}.new`, path);
  return path;
}
