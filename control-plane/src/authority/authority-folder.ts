/** What a member keeps of the cluster's authorities on its disk: three files that nobody else can read. */
import { lchown, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '@cell/config/make-folder';
import { CellError } from '../cell-error.ts';
import type { SealingKey } from '../ports.ts';
import { type AuthorityBook, parseBook, parseKeyring, renderBook, renderKeyring } from './authority-book.ts';

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
/** What the keys are for must not be open to whoever is on the machine. */
const OTHERS_MODE = 0o007;

export interface AuthorityPlaces {
  /** "authority" below the member's data folder. */
  readonly folder: string;
  /** The file with the keys. */
  readonly keyring: string;
}

/** `keyring`: where the setting puts it; undefined: with the rest. */
export function authorityPlaces(data: string, keyring?: string): AuthorityPlaces {
  const folder = join(data, 'authority');
  return { folder, keyring: keyring ?? join(folder, 'keyring.json') };
}

/** Undefined if the machine was never made a member. Rejects with `CELL_E_SEALED` or `CELL_E_CONFIG`. */
export async function readBook({ folder }: AuthorityPlaces): Promise<AuthorityBook | undefined> {
  const file = bookFile(folder);
  const text = await readIfThere(file);
  return text === undefined ? undefined : parseBook(text, file);
}

/** As `writeBook`, but it counts only once it is kept. */
export async function prepareBook({ folder }: AuthorityPlaces, book: AuthorityBook): Promise<PreparedFile> {
  return prepareSecurely(bookFile(folder), renderBook(book));
}

export async function writeBook({ folder }: AuthorityPlaces, book: AuthorityBook): Promise<void> {
  await writeSecurely(bookFile(folder), renderBook(book));
}

/** Rejects with `CELL_E_SEALED` if it is missing or damaged, and with `CELL_E_CONFIG` if others can read it. */
export async function readKeyring(places: AuthorityPlaces): Promise<readonly SealingKey[]> {
  const keys = await readKeyringIfThere(places);
  if (keys !== undefined) return keys;
  const message = `There is no keyring at "${places.keyring}", without which nothing that is sealed can be opened. Put it back`;
  throw new CellError('CELL_E_SEALED', message);
}

/** As `readKeyring`, but undefined if it is missing. */
export async function readKeyringIfThere({ keyring }: AuthorityPlaces): Promise<readonly SealingKey[] | undefined> {
  const text = await readIfThere(keyring);
  if (text === undefined) return undefined;
  const { mode } = await stat(keyring);
  if ((mode & OTHERS_MODE) !== 0) {
    const message = `Everybody on this machine can read the keyring "${keyring}". Close it: chmod 600 ${keyring}`;
    throw new CellError('CELL_E_CONFIG', message);
  }
  return parseKeyring(text, keyring);
}

/**
 * For a machine that becomes a member: writes its first keyring. Rejects with `CELL_E_CONFLICT` if there are other keys,
 * which would be lost.
 */
export async function makeKeyring(places: AuthorityPlaces, keys: readonly SealingKey[]): Promise<void> {
  const found = (await readKeyringIfThere(places)) ?? [];
  if (found.some((key) => !keys.some(({ id }) => id === key.id))) {
    const message =
      `There is a keyring at "${places.keyring}" already, of another control plane or of one that was begun. If nothing ` +
      'needs it any more, move it away';
    throw new CellError('CELL_E_CONFLICT', message);
  }
  await writeKeyring(places, keys);
}

export async function writeKeyring({ keyring }: AuthorityPlaces, keys: readonly SealingKey[]): Promise<void> {
  await writeSecurely(keyring, renderKeyring(keys));
}

function bookFile(folder: string): string {
  return join(folder, 'authorities.json');
}

export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable('read', file, error);
  }
}

/**
 * For the owner of the folder alone. In one step: after a crash at any moment there is the old file or the new one. Root
 * leaves it to whom the folder above belongs, so that a member that is not root can read what root made for it.
 */
export async function writeSecurely(file: string, text: string): Promise<void> {
  await (await prepareSecurely(file, text)).keep();
}

/** Written and on the disk, but under another name still. */
export interface PreparedFile {
  /** In one step. */
  keep(): Promise<void>;
  drop(): Promise<void>;
}

/** The first half of `writeSecurely`, which needs room on the disk; the other half needs none. */
export async function prepareSecurely(file: string, text: string): Promise<PreparedFile> {
  const aside = `${file}.new`;
  const drop = () => rm(aside, { force: true });
  try {
    await makeFolderFor(file);
    // A new file, and through its handle: whoever owns the folder could have left a link to a file of root's there.
    await rm(aside, { force: true });
    const handle = await open(aside, 'wx', FILE_MODE);
    try {
      await handle.chmod(FILE_MODE);
      await handle.writeFile(text);
      await leaveToOwner((uid, gid) => handle.chown(uid, gid), dirname(file));
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    await drop().catch(() => undefined);
    throw unusable('write', file, error);
  }
  const keep = async () => {
    try {
      await rename(aside, file);
      await syncFolder(dirname(file));
    } catch (error) {
      throw unusable('write', file, error);
    }
  };
  return { keep, drop };
}

async function makeFolderFor(file: string): Promise<void> {
  const folder = dirname(file);
  const made = makeFolder(folder, FOLDER_MODE);
  if (made === undefined) return;
  for (let each = folder; each.length >= made.length; each = dirname(each)) {
    await leaveToOwner((uid, gid) => lchown(each, uid, gid), dirname(made));
  }
  await syncFolder(dirname(made));
}

async function leaveToOwner(give: (uid: number, gid: number) => Promise<void>, folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(folder);
  await give(uid, gid);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function unusable(action: string, path: string, cause: unknown): CellError {
  const message = `Cannot ${action} "${path}": ${(cause as Error).message}. Check the disk and the rights on its folder`;
  return new CellError('CELL_E_CONFIG', message, { cause });
}
