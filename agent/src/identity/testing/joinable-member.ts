import { makeToken, provenKey, subjectUri, tokenText } from '@cell/identity';
import type { JoinRequest, RenewCertificateRequest } from '@cell/proto';
import { FakeMember, FakeRefusal } from '../../link/testing/fake-member.ts';
import { aroundNow, type FakeAuthority } from './fake-authority.ts';

/** A member over TLS that lets nodes in on its token, once, and renews their certificates. */
export class JoinableMember extends FakeMember {
  /** What the next certificate is like. */
  lifetimeMs = 86_400_000;
  /** The member's clock against the real one. */
  clockOffsetMs = 0;
  /** Newest keys of nodes that have joined, by id: SubjectPublicKeyInfo, hexadecimal. */
  readonly nodes = new Map<string, string>();
  token: string;
  /** Issues; what it issues is trusted with the others. */
  authority: FakeAuthority;
  trust: string[];

  constructor(
    name: string,
    transcript: string[],
    authority: FakeAuthority,
    credentials = authority.credentials('cell:member:1'),
  ) {
    super(name, transcript, credentials);
    this.authority = authority;
    this.trust = [authority.certificate];
    this.token = tokenText(makeToken('join', authority.pin));
    this.join = (request) => this.#join(request);
    this.renew = (request, caller) => this.#renew(request, caller);
    this.admits = (caller) => this.nodes.has(caller);
  }

  #join({ token, nodeId, publicKey, proof }: JoinRequest): ReturnType<FakeMember['join']> {
    if (token !== this.token) throw new FakeRefusal(16, 'CELL_E_UNAUTHENTICATED', 'The token is not known');
    const key = Buffer.from(publicKey).toString('hex');
    if (this.nodes.size > 0 && this.nodes.get(nodeId) !== key) {
      throw new FakeRefusal(7, 'CELL_E_FORBIDDEN', 'Token "lab" is used up');
    }
    return this.#issued(nodeId, publicKey, proof);
  }

  #renew({ publicKey, proof }: RenewCertificateRequest, caller: string): ReturnType<FakeMember['join']> {
    if (!this.nodes.has(caller)) throw new FakeRefusal(7, 'CELL_E_FORBIDDEN', `Node "${caller}" was revoked`);
    return this.#issued(caller, publicKey, proof);
  }

  #issued(nodeId: string, publicKey: Uint8Array, proof: Uint8Array): ReturnType<FakeMember['join']> {
    const subject = subjectUri({ kind: 'node', id: nodeId });
    const key = provenKey(publicKey, subject, proof);
    if (key === undefined) throw new FakeRefusal(3, 'CELL_E_INVALID', 'The proof is wrong');
    const der = key.export({ type: 'spki', format: 'der' });
    this.nodes.set(nodeId, der.toString('hex'));
    const chain = this.authority.issue(subject, der, aroundNow(this.lifetimeMs));
    return { chain, trust: this.trust, timeMs: BigInt(Date.now() + this.clockOffsetMs) };
  }
}
