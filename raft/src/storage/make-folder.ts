import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it that are missing; gives the topmost one that it made. Rejects as mkdir(2) fails.
 * Node's own way of doing that never ends where the folder above is there and nothing can be made in it, as below /proc.
 */
export async function makeFolder(folder: string, mode: number): Promise<string | undefined> {
  try {
    return await makeOne(folder, mode);
  } catch (error) {
    const above = dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === folder) throw error;
    const topmost = await makeFolder(above, mode);
    // Now all is there that it could lack: whatever is wrong still, stays so.
    const made = await makeOne(folder, mode);
    return topmost ?? made;
  }
}

async function makeOne(folder: string, mode: number): Promise<string | undefined> {
  try {
    await mkdir(folder, { mode });
    return folder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !(await stat(folder)).isDirectory()) throw error;
    return undefined;
  }
}
