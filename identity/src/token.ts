import { createHash, randomBytes } from 'node:crypto';
import { IdentityError } from './identity-error.ts';

/** What a token is for: to join with, or to make calls with. */
export type TokenPurpose = 'join' | 'access';

/**
 * A token in parts. Its text is "celljoin_ID_SECRET_PIN_CHECK" or "cellkey_…": all parts in lower-case base 32
 * (RFC 4648, without padding), so that it is one word for a mouse, and begins as no other secret does.
 */
export interface Token {
  readonly purpose: TokenPurpose;
  /** 10 characters that are not secret. */
  readonly id: string;
  /** 32 characters: 160 bits. */
  readonly secret: string;
  /** SHA-256 of the public key (SubjectPublicKeyInfo, DER) of the authority to trust, hexadecimal. */
  readonly pin: string;
}

const PREFIXES: Readonly<Record<TokenPurpose, string>> = { join: 'celljoin', access: 'cellkey' };
const ID_LENGTH = 10;
const SECRET_BYTES = 20;
const SECRET_LENGTH = 32;
const PIN_BYTES = 32;
const PIN_LENGTH = 52;
const CHECK_LENGTH = 6;
/** Longer text is not even looked at. */
const TEXT_LENGTH_MAX = 256;

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const FORM = new RegExp(
  `^(${Object.values(PREFIXES).join('|')})_([a-z2-7]{${ID_LENGTH}})_([a-z2-7]{${SECRET_LENGTH}})_` +
    `([a-z2-7]{${PIN_LENGTH}})_([a-z2-7]{${CHECK_LENGTH}})$`,
);

/** A new token; its secret is from the system's source of random numbers. */
export function makeToken(purpose: TokenPurpose, pin: string): Token {
  const id = toBase32(randomBytes(ID_LENGTH)).slice(0, ID_LENGTH);
  return { purpose, id, secret: toBase32(randomBytes(SECRET_BYTES)), pin };
}

export function tokenText({ purpose, id, secret, pin }: Token): string {
  const text = `${PREFIXES[purpose]}_${id}_${secret}_${toBase32(Buffer.from(pin, 'hex'))}`;
  return `${text}_${checkOf(text)}`;
}

/** Surrounding white space is let go. Throws `CELL_E_TOKEN_MALFORMED`, which never holds the text. */
export function parseToken(text: string, purpose: TokenPurpose): Token {
  const trimmed = text.length > TEXT_LENGTH_MAX ? '' : text.trim();
  const parts = FORM.exec(trimmed);
  if (parts === null) {
    throw new IdentityError('CELL_E_TOKEN_MALFORMED', malformed(trimmed, purpose));
  }
  const [, prefix, id, secret, pin, check] = parts as unknown as [string, string, string, string, string, string];
  if (checkOf(trimmed.slice(0, -CHECK_LENGTH - 1)) !== check) {
    const message = 'The token was copied wrongly: a character is missing or differs. Copy it again';
    throw new IdentityError('CELL_E_TOKEN_MALFORMED', message);
  }
  if (prefix !== PREFIXES[purpose]) {
    const other = purpose === 'join' ? 'access' : 'join';
    const message = `This token is one to ${use(other)}; one to ${use(purpose)} begins with "${PREFIXES[purpose]}_"`;
    throw new IdentityError('CELL_E_TOKEN_MALFORMED', message);
  }
  return { purpose, id, secret, pin: fromBase32(pin).subarray(0, PIN_BYTES).toString('hex') };
}

/** What is stored of a secret. It has 160 random bits, so that a plain hash can't be searched. */
export function secretHash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Why a text has not the form of a token, without the text. */
function malformed(text: string, purpose: TokenPurpose): string {
  const begun = Object.values(PREFIXES).some((prefix) => text.startsWith(`${prefix}_`));
  if (begun && /\s/.test(text)) return 'This is more than a token: a token is one word. Give the token alone';
  if (begun)
    return 'The token was copied wrongly: it is too long or too short, or has letters that no token has. Copy it again';
  return `This is no token: a token to ${use(purpose)} is one word that begins with "${PREFIXES[purpose]}_"`;
}

function use(purpose: TokenPurpose): string {
  return purpose === 'join' ? 'join with' : 'make calls with';
}

/** Not against anybody who wants to: only against mistakes in copying. */
function checkOf(text: string): string {
  return toBase32(createHash('sha256').update(text).digest().subarray(0, 4)).slice(0, CHECK_LENGTH);
}

function toBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET[(value >> (bits - 5)) & 31];
  }
  return bits > 0 ? text + ALPHABET[(value << (5 - bits)) & 31] : text;
}

function fromBase32(text: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of text) {
    value = ((value << 5) | ALPHABET.indexOf(character)) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 255);
  }
  return Buffer.from(bytes);
}
