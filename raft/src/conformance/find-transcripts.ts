import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** All `.txt` files below `directory`, in order of their path. */
export function findTranscripts(directory: string): string[] {
  const found = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return found
    .filter((path) => path.endsWith('.txt'))
    .sort()
    .map((path) => join(directory, path));
}
