import { X509Certificate } from 'node:crypto';
import type { Subject } from '@cell/identity';
import { expect, test } from 'vitest';
import { TestAuthority } from '../authority/testing/test-authority.ts';
import { judge, type Presented, trustedAuthorities } from './connection-facts.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const nowMs = Date.now();
const own = TestAuthority.make();
const foreign = TestAuthority.make();
const judging = { authorities: trustedAuthorities([own.certificate]), nowMs, renewExpiredWithinMs: HOUR_MS };
const member: Subject = { kind: 'member', id: 3 };
const node: Subject = { kind: 'node', id: 'n1' };

function certificate(of: TestAuthority, subject: Subject, beginsMs = -HOUR_MS, endsMs = HOUR_MS): X509Certificate {
  const times = { beginsAtMs: nowMs + beginsMs, endsAtMs: nowMs + endsMs };
  return new X509Certificate(of.credentials(subject, times).chain);
}

/** The fault, or whom it names. */
function judged(presented: X509Certificate, verdict?: Presented['verdict']): string {
  const judgement = judge({ address: '10.0.0.7', certificate: presented, verdict }, judging);
  if ('fault' in judgement) return `${judgement.fault} ${judgement.error.code}: ${judgement.error.message}`;
  const { subject, authorityId } = judgement.facts;
  expect(authorityId).toBe(own.pin.slice(0, 16));
  return `${subject?.kind} ${subject?.id}`;
}

test('who comes without a certificate is nobody, and that is no fault', () => {
  const facts = { address: '10.0.0.7', subject: undefined, authorityId: '', expiresAtMs: 0 };
  expect(judge({ address: '10.0.0.7', certificate: undefined, verdict: undefined }, judging)).toEqual({ facts });
});

test.each([member, node, { kind: 'token', id: 'abc' } as const])(
  'a certificate of ours proves its holder',
  (subject) => {
    expect(judged(certificate(own, subject))).toBe(`${subject.kind} ${subject.id}`);
  },
);

test.each(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_GET_ISSUER_CERT'])(
  'another authority proves nothing, also where OpenSSL names another fault: %s',
  (verdict) => {
    expect(judged(certificate(foreign, node), verdict)).toMatch(/^untrusted CELL_E_UNAUTHENTICATED: /);
    expect(judged(certificate(foreign, node, -2 * HOUR_MS, -MINUTE_MS), verdict)).toMatch(/^untrusted /);
  },
);

test('an authority that is not known here is one for which another vouches, if OpenSSL found no fault', () => {
  const facts = { address: '10.0.0.7', certificate: certificate(foreign, node), verdict: undefined };
  expect(judge(facts, judging)).toMatchObject({ facts: { subject: node, authorityId: '' } });
});

test('a node may come late for so long, and nobody else may', () => {
  expect(judged(certificate(own, node, -2 * HOUR_MS, -59 * MINUTE_MS), 'CERT_HAS_EXPIRED')).toBe('node n1');
  expect(judged(certificate(own, node, -2 * HOUR_MS, -61 * MINUTE_MS), 'CERT_HAS_EXPIRED')).toMatch(
    /^expired CELL_E_UNAUTHENTICATED: The certificate of node "n1" ended at .*Join again with a new token/,
  );
  const late: Subject[] = [member, { kind: 'token', id: 'abc' }];
  for (const subject of late) {
    expect(judged(certificate(own, subject, -2 * HOUR_MS, -MINUTE_MS), 'CERT_HAS_EXPIRED')).toMatch(/^expired /);
  }
});

test('a certificate that begins in the future is told as what it is: clocks that differ', () => {
  expect(judged(certificate(own, node, MINUTE_MS), 'CERT_NOT_YET_VALID')).toMatch(
    /^not-yet-valid CELL_E_CLOCK_SKEW: .*the clocks differ by more than 5 minutes, by about 6 minutes or more/,
  );
});

test('a fault that is not about time counts', () => {
  expect(judged(certificate(own, node), 'INVALID_PURPOSE')).toMatch(/^invalid .*INVALID_PURPOSE/);
});

test('the certificate of an authority itself names nobody', () => {
  expect(judged(new X509Certificate(own.certificate))).toMatch(/^nameless /);
});
