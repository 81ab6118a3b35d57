import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const REPOSITORY = resolve(import.meta.dirname, '../../../..');

export interface SourceCopy {
  /** The whole copy: it looks like the repository to what is below it. */
  readonly folder: string;
  /** Its `raft/src`. */
  readonly sources: string;
}

/** Lets `work` have a copy of a `raft/src` folder, and removes it afterwards, also when the process is ended. */
export async function withSourceCopy<T>(from: string, work: (copy: SourceCopy) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'cell-mutant-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    const sources = join(folder, 'raft/src');
    cpSync(from, sources, { recursive: true });
    cpSync(resolve(from, '../package.json'), join(folder, 'raft/package.json'));
    symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
    return await work({ folder, sources });
  } finally {
    process.off('exit', remove);
    remove();
  }
}
