/** The side of a machine that becomes a member: what it keeps of what it was given. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { CellError } from '../cell-error.ts';
import type { SealingKey } from '../ports.ts';
import { isSealingKey, parseBook } from './authority-book.ts';
import {
  type AuthorityPlaces,
  makeKeyring,
  readBook,
  readIfThere,
  writeBook,
  writeSecurely,
} from './authority-folder.ts';
import { openAuthority } from './signing-authority.ts';

export interface GivenMembership {
  readonly keys: readonly SealingKey[];
  /** The book of authorities, as `parseBook` reads it. */
  readonly genesis: Uint8Array;
}

/** Long enough that no two machines ever have the same one. */
const NAME_BYTES = 16;
const KEYS_MAX = 100;
const GENESIS_BYTES_MAX = 1024 * 1024;

/** Whether "init" or "join" was here. */
export async function isMember(places: AuthorityPlaces): Promise<boolean> {
  return (await readBook(places)) !== undefined;
}

/** The random name by which this data folder asks to become a member: the same one each time. */
export async function joiningName({ folder }: AuthorityPlaces): Promise<string> {
  const file = join(folder, 'joining');
  const known = (await readIfThere(file))?.trim();
  if (known !== undefined && known !== '') return known;
  const name = randomBytes(NAME_BYTES).toString('hex');
  await writeSecurely(file, `${name}\n`);
  return name;
}

/**
 * Makes the machine a member. `pin`: of the token, so that whoever gave it has the authority's key. Rejects with
 * `CELL_E_SEALED` if it does not fit together, and then nothing is kept.
 */
export async function keepMembership(
  places: AuthorityPlaces,
  { keys, genesis }: GivenMembership,
  expected: { readonly cluster: string; readonly pin: string },
): Promise<void> {
  if (keys.length > KEYS_MAX || genesis.length > GENESIS_BYTES_MAX || !keys.every(isSealingKey)) throw notFitting();
  const book = parseBook(Buffer.from(genesis).toString('utf8'), 'the answer of the member that was asked');
  const authorities = book.authorities.map((row) => openAuthority(row, keys));
  if (book.cluster !== expected.cluster || !authorities.some(({ pin }) => pin === expected.pin)) throw notFitting();
  await makeKeyring(places, keys);
  // Last: it says that all is there.
  await writeBook(places, book);
}

function notFitting(): CellError {
  const message = 'What the member that was asked gave does not fit to the token. Make another one, and try again';
  return new CellError('CELL_E_SEALED', message);
}
