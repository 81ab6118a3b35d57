import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory, where there is such a place. */
const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
let folder: string | undefined;

/** A folder of this process alone, which goes away with it. */
export function scratchFolder(): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(PARENT, 'cell-fuzz-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return folder;
}

/** For readers that read a file: with these bytes, until the next time. */
export function scratchFile(name: string, content: Uint8Array): string {
  const path = join(scratchFolder(), name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
}
