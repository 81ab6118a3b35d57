/** Whom the member that was set up with "init" makes members, before there is a cluster that could say. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { damaged, isObject, parseObject, readNumber, readText } from './authority-book.ts';
import { type AuthorityPlaces, readIfThere, writeSecurely } from './authority-folder.ts';

export interface Invitations {
  readonly tokenId: string;
  readonly secretHash: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** By the id of each member: what the machine that came calls itself; empty if none has come. */
  readonly given: Readonly<Record<string, string>>;
}

export async function readInvitations({ folder }: AuthorityPlaces): Promise<Invitations | undefined> {
  const file = fileIn(folder);
  const text = await readIfThere(file);
  if (text === undefined) return undefined;
  const { tokenId, secretHash, expiresAtMs, given } = parseObject(text, file);
  if (!isObject(given)) throw damaged(file);
  return {
    tokenId: readText(tokenId, file),
    secretHash: readText(secretHash, file),
    expiresAtMs: readNumber(expiresAtMs, file),
    given: Object.fromEntries(Object.entries(given).map(([id, machine]) => [id, readText(machine, file)])),
  };
}

export async function writeInvitations({ folder }: AuthorityPlaces, invitations: Invitations): Promise<void> {
  await writeSecurely(fileIn(folder), `${JSON.stringify({ format: 1, ...invitations }, undefined, 2)}\n`);
}

export async function removeInvitations({ folder }: AuthorityPlaces): Promise<void> {
  await rm(fileIn(folder), { force: true });
}

function fileIn(folder: string): string {
  return join(folder, 'invitations.json');
}
