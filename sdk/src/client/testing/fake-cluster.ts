/** Who is who in a fake control plane: an authority, a member, and the token of a caller. */
import { TestAuthority } from '@cell/control-plane/authority-testing';
import { makeToken, tokenText } from '@cell/identity';
import type { FakeSecurity } from './fake-control-plane.ts';

export interface FakeCluster {
  readonly authority: TestAuthority;
  readonly security: FakeSecurity;
  /** Not secret. */
  readonly tokenId: string;
  /** For people; it pins the authority. */
  readonly token: string;
}

export function makeFakeCluster(): FakeCluster {
  const authority = TestAuthority.make();
  const credentials = authority.credentials({ kind: 'member', id: 1 });
  const token = makeToken('access', authority.pin);
  return {
    authority,
    security: { credentials, authority: authority.certificate },
    tokenId: token.id,
    token: tokenText(token),
  };
}
