import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { CellError } from '../cell-error.ts';
import type { Sealed } from '../model/identity.ts';
import type { SealingKey } from '../ports.ts';

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const KEY_ID_BYTES = 8;
/**
 * Random, as NIST SP 800-38D, section 8.2.2 allows: with one key for less than 2^32 values, the chance that two share a
 * nonce is below 2^-32.
 */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORM = /^([0-9a-f]{16})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{22,})$/;

export function makeSealingKey(nowMs: number): SealingKey {
  return {
    id: randomBytes(KEY_ID_BYTES).toString('hex'),
    key: new Uint8Array(randomBytes(KEY_BYTES)),
    createdAtMs: nowMs,
  };
}

/** See `Sealed`. `purpose` is not in it; who opens it must know it. */
export function sealValue({ id, key }: SealingKey, value: Uint8Array, purpose: string): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(bound(id, purpose));
  const text = Buffer.concat([cipher.update(value), cipher.final(), cipher.getAuthTag()]);
  return `${id}.${nonce.toString('base64url')}.${text.toString('base64url')}`;
}

/** Throws `CELL_E_SEALED`; nothing of the value is in the message. */
export function openSealed(keys: readonly SealingKey[], sealed: Sealed, purpose: string): Uint8Array {
  const [, id = '', nonce = '', text = ''] = FORM.exec(sealed) ?? [];
  const bytes = Buffer.from(text, 'base64url');
  // Text that stands for the same bytes in another way was changed too.
  if (id === '' || bytes.toString('base64url') !== text) throw changed(purpose);
  const found = keys.find((key) => key.id === id);
  if (found === undefined) throw keyMissing(purpose, id);
  try {
    const end = bytes.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, found.key, Buffer.from(nonce, 'base64url'), { authTagLength: TAG_BYTES })
      .setAAD(bound(id, purpose))
      .setAuthTag(bytes.subarray(end));
    return Buffer.concat([decipher.update(bytes.subarray(0, end)), decipher.final()]);
  } catch {
    throw changed(purpose);
  }
}

/** Id of the key that a value is sealed with; empty if it is none. */
export function sealedWith(sealed: Sealed): string {
  return FORM.exec(sealed)?.[1] ?? '';
}

function bound(keyId: string, purpose: string): Buffer {
  return Buffer.from(`cell sealed\0${keyId}\0${purpose}`);
}

function keyMissing(purpose: string, id: string): CellError {
  const message =
    `Cannot open "${purpose}": it is sealed with the key "${id}", which the keyring of this member does not have. Copy ` +
    'the keyring of a member that has it ("keyring.json" in its authority folder), and restart this one';
  return new CellError('CELL_E_SEALED', message);
}

function changed(purpose: string): CellError {
  const message = `Cannot open "${purpose}": it was changed since it was sealed, or it is not for that. Set it anew`;
  return new CellError('CELL_E_SEALED', message);
}
