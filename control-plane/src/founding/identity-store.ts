import { open, readdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '@cell/config/make-folder';
import { lockDirectory } from '@cell/raft/storage';
import { CellError } from '../cell-error.ts';
import { checkIdentity, type MemberIdentity, newIdentity, parseIdentity, renderIdentity } from './member-identity.ts';

/** Below a member's data folder. */
export const LOG_FOLDER = 'raft';
const IDENTITY_FILE = 'identity.json';

/** Nobody but the owner reads what belongs to a cluster. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

export interface IdentityOwner {
  /** The member's data folder; made if it is missing. */
  readonly folder: string;
  readonly memberId: number;
  readonly cluster: string;
  /** What a new data folder is called. */
  readonly incarnation: () => string;
}

/** The identity of the member whose data folder it is, which is held for this process alone until `close`. */
export class IdentityStore {
  readonly folder: string;
  readonly #unlock: () => Promise<void>;
  #identity: MemberIdentity;
  #updating: Promise<unknown> = Promise.resolve();

  /**
   * Opens the data folder; an empty one gets a new identity. Rejects with `CELL_E_DIRECTORY_IN_USE`,
   * `CELL_E_FOREIGN_DATA`, `CELL_E_REMOVED`, `CELL_E_DATA_LOST`, `CELL_E_IDENTITY_DAMAGED` or `CELL_E_CONFIG`.
   */
  static async open(owner: IdentityOwner): Promise<IdentityStore> {
    const { folder, memberId, cluster } = owner;
    const unlock = await holdFolder(folder);
    try {
      const found = await readIdentity(folder);
      if (found !== undefined) checkIdentity(found, memberId, cluster, folder);
      const identity = found ?? newIdentity(memberId, cluster, owner.incarnation());
      if (found === undefined) {
        if (await hasLog(folder)) throw identityMissing(folder);
        await writeIdentity(folder, identity);
      }
      if (identity.logMade && identity.retiredLog === '' && !(await hasLog(folder))) throw logMissing(identity, folder);
      return new IdentityStore(folder, unlock, identity);
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  private constructor(folder: string, unlock: () => Promise<void>, identity: MemberIdentity) {
    this.folder = folder;
    this.#unlock = unlock;
    this.#identity = identity;
  }

  /** As it is on the disk. */
  get identity(): MemberIdentity {
    return this.#identity;
  }

  get logFolder(): string {
    return join(this.folder, LOG_FOLDER);
  }

  /**
   * Stores what `change` makes of the identity, one change at a time; resolves once it is durable. What `change` throws
   * passes, and nothing is stored then.
   */
  update(change: (identity: MemberIdentity) => MemberIdentity): Promise<MemberIdentity> {
    const updating = this.#updating.then(async () => {
      const next = change(this.#identity);
      if (next !== this.#identity) await writeIdentity(this.folder, next);
      this.#identity = next;
      return next;
    });
    this.#updating = updating.catch(() => undefined);
    return updating;
  }

  async close(): Promise<void> {
    await this.#updating;
    await this.#unlock();
  }
}

async function holdFolder(folder: string): Promise<() => Promise<void>> {
  try {
    const made = makeFolder(folder, FOLDER_MODE);
    if (made !== undefined) await syncFolder(dirname(made));
  } catch (error) {
    throw unusable('make data folder', folder, error);
  }
  return lockDirectory(folder);
}

async function readIdentity(folder: string): Promise<MemberIdentity | undefined> {
  const file = join(folder, IDENTITY_FILE);
  try {
    return parseIdentity(await readFile(file, 'utf8'), file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if (error instanceof CellError) throw error;
    throw unusable('read', file, error);
  }
}

/** In one step: after a crash at any moment there is the old file or the new one. */
async function writeIdentity(folder: string, identity: MemberIdentity): Promise<void> {
  const file = join(folder, IDENTITY_FILE);
  const aside = `${file}.new`;
  try {
    await writeSynced(aside, renderIdentity(identity));
    await rename(aside, file);
    await syncFolder(folder);
  } catch (error) {
    throw unusable('write', file, error);
  }
}

async function writeSynced(file: string, text: string): Promise<void> {
  const handle = await open(file, 'w', FILE_MODE);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Names that were made or changed in the folder are on the disk afterwards. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A log is there once its first segment is: before, it was never used. */
async function hasLog(folder: string): Promise<boolean> {
  const names = await readdir(join(folder, LOG_FOLDER)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw unusable('read', join(folder, LOG_FOLDER), error);
  });
  return names.some((name) => /^log-\d+\.wal$|^snapshot-.*\.snap$/.test(name));
}

function unusable(action: string, path: string, cause: unknown): CellError {
  const reason = (cause as Error).message;
  const message = `Cannot ${action} "${path}": ${reason}. Check the disk and the rights on the data folder`;
  return new CellError('CELL_E_CONFIG', message, { cause });
}

function identityMissing(folder: string): CellError {
  const message =
    `Data folder "${folder}" has a log, but no ${IDENTITY_FILE}: it is not known whose it is. Put the file back, or ` +
    'remove this member and add it with an id that was never used and an empty data folder';
  return new CellError('CELL_E_DATA_LOST', message);
}

function logMissing({ memberId }: MemberIdentity, folder: string): CellError {
  const message =
    `Member "${memberId}" has lost its log, which was in "${join(folder, LOG_FOLDER)}". Put it back, or remove this ` +
    'member and add it with an id that was never used and an empty data folder';
  return new CellError('CELL_E_DATA_LOST', message);
}
