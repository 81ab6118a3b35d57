/** Proof that whoever asks for a certificate has the private key: a signature over what is asked for. */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** What is signed; it can't be taken for anything else that the key signs. */
function statement(publicKey: Uint8Array, purpose: string): Buffer {
  return Buffer.concat([Buffer.from(`cell certificate request\0${purpose}\0`), publicKey]);
}

/** `purpose`: the subject's URI, such as "cell:node:…". `publicKey`: SubjectPublicKeyInfo, DER. */
export function keyProof(privateKey: KeyObject, publicKey: Uint8Array, purpose: string): Buffer {
  return sign('sha256', statement(publicKey, purpose), privateKey);
}

/** The key, if it is one on P-256 and the proof is right; else undefined. */
export function provenKey(publicKey: Uint8Array, purpose: string, proof: Uint8Array): KeyObject | undefined {
  if (publicKey.length > PUBLIC_KEY_BYTES_MAX) return undefined;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return undefined;
    return verify('sha256', statement(publicKey, purpose), key, proof) ? key : undefined;
  } catch {
    return undefined;
  }
}

/** On P-256 it has 91. */
const PUBLIC_KEY_BYTES_MAX = 200;
