import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Which of the commands this machine lacks, as a reason to skip; undefined if none. */
export function whyNoTools(commands: readonly string[]): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const missing = commands.filter((command) => !folders.some((folder) => existsSync(join(folder, command))));
  return missing.length === 0 ? undefined : `Needs "${missing.join('", "')}", of Debian, to build packages`;
}
