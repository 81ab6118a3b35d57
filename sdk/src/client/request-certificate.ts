import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { type Credentials, keyProof, subjectUri, type Trust } from '@cell/identity';
import type { CellClient } from './connect.ts';
import type { CallOptions } from './service-client.ts';

export interface IssuedIdentity {
  readonly credentials: Credentials;
  readonly trust: Trust;
  /** When the certificate ends, in milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/**
 * A certificate that can do what the caller's token can, and ends with it: to keep in the token's place, or in that of
 * a certificate that ends soon. `privateKey`: PEM; not given: a new one. The key never leaves this process.
 */
export async function requestCertificate(
  client: CellClient,
  options: CallOptions = {},
  privateKey: string = newPrivateKey(),
): Promise<IssuedIdentity> {
  const { token } = await client.identity.getCaller({}, options);
  const key = createPrivateKey(privateKey);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const proof = keyProof(key, publicKey, subjectUri({ kind: 'token', id: token?.id ?? '' }));
  const { chain, trust, expiresAt } = await client.identity.issueCertificate({ publicKey, proof }, options);
  return { credentials: { privateKey, chain }, trust, expiresAtMs: Number(expiresAt?.seconds ?? 0n) * 1_000 };
}

function newPrivateKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}
