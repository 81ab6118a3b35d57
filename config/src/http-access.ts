import { createHash, timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type AddressEntry, AddressList, addressEntry, plainAddress } from './address-list.ts';
import type { RefuseKey } from './read-settings.ts';
import { absolutePath } from './scalars.ts';
import { optional, type SettingsOf, withDefault } from './setting.ts';
import type { SettingVariable } from './settings-source.ts';
import { list, table } from './structures.ts';

const ENTRIES_MAX = 64;

/** `[http]` of both daemons: who may read what a daemon says of the fleet. */
export const httpSettings = table({
  allow: withDefault<readonly AddressEntry[]>(list(addressEntry(), 0, ENTRIES_MAX), ['loopback']),
  token_file: optional(absolutePath()),
});

export type HttpSettings = SettingsOf<typeof httpSettings>;

export const httpVariables: readonly SettingVariable[] = [
  { variable: 'CELL_HTTP_ALLOW', path: ['http', 'allow'], kind: 'list' },
  { variable: 'CELL_HTTP_TOKEN_FILE', path: ['http', 'token_file'], kind: 'text' },
];

/** Refuses a token file that could not be used. */
export function checkHttpSettings({ token_file: file }: HttpSettings, refuse: RefuseKey): void {
  if (file === undefined) return;
  const read = readTokenFile(file);
  if ('problem' in read) refuse(['http', 'token_file'], `has the value "${file}". ${read.problem}`);
}

const TOKEN_FILE_BYTES_MAX = 4096;
const TOKEN_LENGTH_MIN = 16;
const GROUP_AND_OTHERS = 0o077;
const READ_EVERY_MS = 1000;
const LOOPBACK = '127.0.0.1';

interface HttpAccessParts extends HttpSettings {
  readonly monotonicMs: () => number;
  /** Told why the token's file can't be used any more: a sentence; once for each reason. */
  readonly onProblem: (problem: string) => void;
}

/** Whose requests are let in: from the addresses that are allowed, and with the token if there is one. */
export class HttpAccess {
  readonly #addresses: AddressList;
  readonly #parts: HttpAccessParts;
  #token: { readonly digest: Buffer | undefined; readonly readAtMs: number } | undefined;
  #problem = '';

  constructor(parts: HttpAccessParts) {
    this.#parts = parts;
    this.#addresses = new AddressList(parts.allow);
  }

  /**
   * Why a request is refused: a sentence for whoever sent it; undefined if it is let in.
   *
   * @param address of the socket's other end; undefined if that has gone
   * @param authorization the header of that name
   * @param ownAddress of the socket's own end. If both are the same, the caller is on this machine, whatever its address:
   *   to a daemon that listens on no other it can't come by loopback
   */
  refusal(address: string | undefined, authorization: string | undefined, ownAddress?: string): string | undefined {
    if (address !== undefined && this.#addresses.has(address)) return undefined;
    if (address !== undefined && address === ownAddress && this.#addresses.has(LOOPBACK)) return undefined;
    if (this.#hasToken(authorization)) return undefined;
    const from = address === undefined ? 'there' : `"${plainAddress(address)}"`;
    const how = `have "allow" of [http] in this daemon's configuration name the address`;
    return `Not allowed from ${from}: ${how}, or send the token of its "token_file" as "Authorization: Bearer TOKEN"`;
  }

  #hasToken(authorization: string | undefined): boolean {
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    const wanted = given === undefined ? undefined : this.#digest();
    // Hashes have one length, whatever was given, and comparing them takes the same time for all.
    return given !== undefined && wanted !== undefined && timingSafeEqual(digestOf(given), wanted);
  }

  /** Of the token as it stands in its file now, or did a moment ago; a new one needs no restart. */
  #digest(): Buffer | undefined {
    const { token_file: file, monotonicMs, onProblem } = this.#parts;
    if (file === undefined) return undefined;
    const nowMs = monotonicMs();
    if (this.#token !== undefined && nowMs - this.#token.readAtMs < READ_EVERY_MS) return this.#token.digest;
    const read = readTokenFile(file);
    const problem =
      'problem' in read ? `The token's file "${file}" (http.token_file) is of no use. ${read.problem}` : '';
    if (problem !== '' && problem !== this.#problem) onProblem(problem);
    this.#problem = problem;
    this.#token = { digest: 'token' in read ? digestOf(read.token) : undefined, readAtMs: nowMs };
    return this.#token.digest;
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** What is wrong never holds anything of the file. */
function readTokenFile(file: string): { readonly token: string } | { readonly problem: string } {
  try {
    const handle = openSync(file, 'r');
    try {
      if ((fstatSync(handle).mode & GROUP_AND_OTHERS) !== 0) {
        return { problem: `Others than its owner may read or change it; run "chmod 600 ${file}"` };
      }
      const buffer = Buffer.alloc(TOKEN_FILE_BYTES_MAX);
      const token = buffer.toString('utf8', 0, readSync(handle, buffer)).trim();
      if (token.length >= TOKEN_LENGTH_MIN && !/\s/.test(token)) return { token };
      return { problem: `It must hold one word of ${TOKEN_LENGTH_MIN} characters or more` };
    } finally {
      closeSync(handle);
    }
  } catch (error) {
    return { problem: `It can't be read: ${(error as Error).message}` };
  }
}
