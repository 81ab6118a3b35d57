/** Who calls a member on paper, and what they bring. */
import { generateKeyPairSync } from 'node:crypto';
import { keyProof, makeToken, secretHash, subjectUri, type TokenPurpose, tokenText } from '@cell/identity';
import { openGuard } from '../../access/testing/open-guard.ts';
import type { Caller, Guard } from '../../ports.ts';
import type { NewToken } from '../../state/commands.ts';
import type { PaperMember } from './paper-member.ts';

export const nobody: Caller = { kind: 'nobody' };

export function node(id: string, expired = false): Caller {
  return { kind: 'node', id, expired };
}

export function person(changes: Partial<Caller & { kind: 'person' }> = {}): Caller {
  const token = { tokenId: 'aaaaaaaaaa', name: 'root', role: 'admin', namespace: undefined } as const;
  return { kind: 'person', ...token, certificateExpiresAtMs: undefined, ...changes };
}

/** Lets everybody in as whom the test says it is. */
export class ToldGuard implements Guard {
  caller: Caller = person();

  enter(...asked: Parameters<Guard['enter']>) {
    return openGuard(this.caller).enter(...asked);
  }
}

/** A new key, and the proof that who has it asks for a certificate for this node. */
export function nodeKey(nodeId: string) {
  return keyFor(subjectUri({ kind: 'node', id: nodeId }));
}

export function keyFor(purpose: string) {
  const { privateKey, publicKey: key } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const publicKey = new Uint8Array(key.export({ type: 'spki', format: 'der' }));
  return { publicKey, proof: new Uint8Array(keyProof(privateKey, publicKey, purpose)) };
}

/** Writes a token, which was made at `timeMs`; gives its text. */
export function writeToken(
  member: PaperMember,
  purpose: TokenPurpose,
  changes: Partial<NewToken> = {},
  timeMs = 0,
): string {
  const { id, secret, pin } = makeToken(purpose, member.issuer.pin);
  const role = purpose === 'join' ? 'agent' : 'admin';
  const usesLeft = purpose === 'join' ? 1 : undefined;
  const rest = { name: `${role}-${id}`, namespace: undefined, createdBy: 'token/root (aaaaaaaaaa)' };
  const token = { id, role, usesLeft, expiresAtMs: undefined, ...rest, secretHash: secretHash(secret), ...changes };
  member.consensus.write({ kind: 'create-token', timeMs, token: token as NewToken });
  return tokenText({ purpose, id: token.id, secret, pin });
}
