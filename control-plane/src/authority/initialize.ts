import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeToken, secretHash, tokenText } from '@cell/identity';
import { CellError } from '../cell-error.ts';
import type { TokenRole } from '../model/identity.ts';
import type { Clock } from '../ports.ts';
import type { NewToken } from '../state/commands.ts';
import {
  type AuthorityPlaces,
  makeKeyring,
  prepareBook,
  readBook,
  readIfThere,
  readKeyringIfThere,
  writeSecurely,
} from './authority-folder.ts';
import { removeInvitations, writeInvitations } from './invitations.ts';
import { makeSealingKey } from './sealing.ts';
import { makeAuthority, openAuthority } from './signing-authority.ts';

/** How long the other founding members have to come. */
export const FOUNDING_TOKEN_TTL_MS = 24 * 3_600_000;

export interface InitializeParts extends AuthorityPlaces {
  readonly cluster: string;
  /** This machine's. */
  readonly memberId: number;
  /** Of all founding members. */
  readonly memberIds: readonly number[];
  readonly clock: Pick<Clock, 'wallMs'>;
  /** Tokens that there are from the beginning, besides the first admin's. */
  readonly tokens?: readonly GenesisToken[];
}

export interface GenesisToken {
  readonly name: string;
  readonly role: TokenRole;
  readonly namespace?: string;
  /** Only for tokens to join with; default: 1. */
  readonly uses?: number;
  /** Undefined: never ends. */
  readonly ttlMs?: number;
}

/** Secrets, which are kept nowhere else. */
export interface Initialized {
  /** SHA-256 of the authority's public key, hexadecimal. */
  readonly pin: string;
  readonly adminToken: string;
  /** For the other founding members; undefined if there are none. */
  readonly joinToken: string | undefined;
  /** The further ones, by name. */
  readonly tokens: Readonly<Record<string, string>>;
}

/** All is on the disk, and it does not count yet. */
export interface PreparedInitialization {
  readonly made: Initialized;
  /** From now on the machine is a member. */
  keep(): Promise<void>;
  /** Leaves the machine as it was. */
  undo(): Promise<void>;
}

/**
 * Makes the machine the first member of a new control plane: a keyring, the certificate authority, and the first tokens.
 * Rejects with `CELL_E_CONFLICT` if it is a member already, and with `CELL_E_CONFIG` if it can't write.
 */
export async function initialize(parts: InitializeParts): Promise<Initialized> {
  const prepared = await prepareInitialization(parts);
  await prepared.keep();
  return prepared.made;
}

/** For who has to say the tokens before it counts: killed at any moment, the machine can be initialized again. */
export async function prepareInitialization(parts: InitializeParts): Promise<PreparedInitialization> {
  if ((await readBook(parts)) !== undefined) throw isInitialized(parts.folder);
  const { clock, cluster, memberId } = parts;
  const nowMs = clock.wallMs();
  const key = makeSealingKey(nowMs);
  const authority = makeAuthority(key, nowMs);
  const { pin } = openAuthority(authority, [key]);
  const made = [{ name: 'admin', role: 'admin' } as const, ...(parts.tokens ?? [])].map((token) =>
    makeGenesisToken(token, pin, `member/${memberId}`, nowMs),
  );
  const [admin, ...further] = made;
  const tokens = Object.fromEntries(further.map(({ row, text }) => [row.name, text]));
  const book = { cluster, authorities: [authority], index: 0, tokens: made.map(({ row }) => row) };
  await begin(parts, key.id);
  try {
    await makeKeyring(parts, [key]);
    const joinToken = await inviteOthers(parts, pin, nowMs);
    // Last: what it says is there, is there.
    const prepared = await prepareBook(parts, book);
    return {
      made: { pin, adminToken: admin!.text, joinToken, tokens },
      async keep() {
        await prepared.keep();
        await rm(begunFile(parts), { force: true });
      },
      async undo() {
        await prepared.drop();
        await takeBack(parts);
      },
    };
  } catch (error) {
    await takeBack(parts).catch(() => undefined);
    throw error;
  }
}

/** Names the key that is to come: if there is no more than that, it is of no use to anybody. */
async function begin(parts: InitializeParts, keyId: string): Promise<void> {
  await takeBack(parts);
  await writeSecurely(begunFile(parts), `${keyId}\n`);
}

/** What was begun here and never came to count; other keys than its own stay. */
async function takeBack(parts: InitializeParts): Promise<void> {
  const keyId = (await readIfThere(begunFile(parts)))?.trim();
  if (keyId === undefined) return;
  const keys = (await readKeyringIfThere(parts).catch(() => undefined)) ?? [];
  if (keys.length === 1 && keys[0]!.id === keyId) await rm(parts.keyring, { force: true });
  await removeInvitations(parts);
  await rm(begunFile(parts), { force: true });
}

function begunFile({ folder }: AuthorityPlaces): string {
  return join(folder, 'begun');
}

function makeGenesisToken(
  { name, role, namespace, uses, ttlMs }: GenesisToken,
  pin: string,
  createdBy: string,
  nowMs: number,
): { readonly row: NewToken; readonly text: string } {
  const joins = role === 'agent' || role === 'control-plane';
  const token = makeToken(joins ? 'join' : 'access', pin);
  const row = {
    id: token.id,
    name,
    role,
    namespace,
    secretHash: secretHash(token.secret),
    createdBy,
    expiresAtMs: ttlMs === undefined ? undefined : nowMs + ttlMs,
    usesLeft: joins ? (uses ?? 1) : undefined,
  };
  return { row, text: tokenText(token) };
}

async function inviteOthers(parts: InitializeParts, pin: string, nowMs: number): Promise<string | undefined> {
  const others = parts.memberIds.filter((id) => id !== parts.memberId);
  if (others.length === 0) return undefined;
  const token = makeToken('join', pin);
  await writeInvitations(parts, {
    tokenId: token.id,
    secretHash: secretHash(token.secret),
    expiresAtMs: nowMs + FOUNDING_TOKEN_TTL_MS,
    given: Object.fromEntries(others.map((id) => [id, ''])),
  });
  return tokenText(token);
}

function isInitialized(folder: string): CellError {
  const message =
    `This machine is initialized already: its authority is in "${folder}". Start the member; for another admin token ` +
    'say "cellctl token create --role admin" with the first one';
  return new CellError('CELL_E_CONFLICT', message);
}
