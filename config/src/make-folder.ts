import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing; gives the topmost one that it made. Throws as mkdir(2) fails.
 * Node's own way of doing that never ends where the folder above is there and nothing can be made in it, as below /proc.
 */
export function makeFolder(folder: string, mode: number): string | undefined {
  try {
    return makeOne(folder, mode);
  } catch (error) {
    const above = dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === folder) throw error;
    const topmost = makeFolder(above, mode);
    // Now all is there that it could lack: whatever is wrong still, stays so.
    const made = makeOne(folder, mode);
    return topmost ?? made;
  }
}

function makeOne(folder: string, mode: number): string | undefined {
  try {
    mkdirSync(folder, { mode });
    return folder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(folder).isDirectory()) throw error;
    return undefined;
  }
}
