/** Authorities with their private keys at hand: what signs certificates. */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { CERTIFICATE_BEGINS_BEFORE_MS, pinOf } from '@cell/identity';
import { CellError } from '../cell-error.ts';
import { authorityPurpose } from '../model/identity.ts';
import type { SealingKey } from '../ports.ts';
import type { NewAuthority } from '../state/commands.ts';
import { makeAuthorityCertificate, type Signer } from './make-certificate.ts';
import { openSealed, sealValue } from './sealing.ts';

/** Digits of its pin that an authority is called by. */
const ID_LENGTH = 16;

/** Ten years: it ends with a rotation long before. */
const LIFETIME_MS = 10 * 365 * 24 * 3_600_000;

export interface SigningAuthority extends Signer {
  readonly row: NewAuthority;
  /** SHA-256 of its public key, hexadecimal. */
  readonly pin: string;
  /** When its certificate ends, milliseconds since 1970. */
  readonly endsAtMs: number;
}

export interface KeyPair {
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Buffer;
}

export function makeKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, publicKey: publicKey.export({ type: 'spki', format: 'der' }) };
}

/** `before`: the authority that it is to follow, which signs it too. */
export function makeAuthority(key: SealingKey, nowMs: number, before?: SigningAuthority): NewAuthority {
  const { privateKey, publicKey } = makeKeyPair();
  const times = { beginsAtMs: nowMs - CERTIFICATE_BEGINS_BEFORE_MS, endsAtMs: nowMs + LIFETIME_MS };
  const id = createHash('sha256').update(publicKey).digest('hex').slice(0, ID_LENGTH);
  const own = { id, publicKey, privateKey };
  const certificate = makeAuthorityCertificate(own, own, times);
  const crossed = before && { ...times, endsAtMs: Math.min(times.endsAtMs, before.endsAtMs) };
  const crossCertificate = crossed === undefined ? '' : makeAuthorityCertificate(own, before!, crossed);
  const bytes = privateKey.export({ type: 'pkcs8', format: 'der' });
  return { id, certificate, crossCertificate, sealedKey: sealValue(key, bytes, authorityPurpose(id)) };
}

/** Throws `CELL_E_SEALED` if its key can't be opened, or is not the certificate's. */
export function openAuthority(row: NewAuthority, keys: readonly SealingKey[]): SigningAuthority {
  const bytes = openSealed(keys, row.sealedKey, authorityPurpose(row.id));
  try {
    const privateKey = createPrivateKey({ key: Buffer.from(bytes), format: 'der', type: 'pkcs8' });
    const certificate = new X509Certificate(row.certificate);
    const pin = pinOf(certificate);
    if (!certificate.checkPrivateKey(privateKey) || pin.slice(0, ID_LENGTH) !== row.id) throw new Error('wrong key');
    const publicKey = certificate.publicKey.export({ type: 'spki', format: 'der' });
    return { row, id: row.id, pin, privateKey, publicKey, endsAtMs: certificate.validToDate.getTime() };
  } catch (cause) {
    const message = `The certificate of authority "${row.id}" and its key are not of each other: one of them was changed`;
    throw new CellError('CELL_E_SEALED', message, { cause });
  }
}
