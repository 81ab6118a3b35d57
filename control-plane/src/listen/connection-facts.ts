/** What the certificate of a connection proves. Pure: the clock is an argument. */
import { X509Certificate } from 'node:crypto';
import { beginsLaterText, pinOf, type Subject, subjectOf, subjectText } from '@cell/identity';
import { CellError } from '../cell-error.ts';
import type { ConnectionFacts } from '../ports.ts';

/** An authority that is trusted. */
export interface TrustedAuthority {
  /** As in the state: the first digits of its pin. */
  readonly id: string;
  readonly certificate: X509Certificate;
}

export interface Presented {
  /** Without its port. */
  readonly address: string;
  /** Undefined if there was none. */
  readonly certificate: X509Certificate | undefined;
  /** What OpenSSL says of it: undefined if it found nothing wrong, else a code such as "CERT_HAS_EXPIRED". */
  readonly verdict: string | undefined;
  /** Authorities have come or gone since the handshake began: OpenSSL has looked at it with those from before. */
  readonly outdated?: boolean;
}

export interface Judging {
  readonly authorities: readonly TrustedAuthority[];
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: number;
  /** How long after its end a node's certificate is still good for renewing it. */
  readonly renewExpiredWithinMs: number;
}

/** Why a certificate is no good; bounded, for metrics. */
export type CertificateFault = 'untrusted' | 'not-yet-valid' | 'expired' | 'nameless' | 'invalid';

export type Judgement =
  | { readonly facts: ConnectionFacts }
  | { readonly fault: CertificateFault; readonly error: CellError };

const AUTHORITY_ID_DIGITS = 16;

export function trustedAuthorities(trust: readonly string[]): readonly TrustedAuthority[] {
  return trust.map((text) => {
    const certificate = new X509Certificate(text);
    return { id: pinOf(certificate).slice(0, AUTHORITY_ID_DIGITS), certificate };
  });
}

/**
 * What is OpenSSL's verdict on a chain names one fault, and not always the worst: a foreign certificate that has expired
 * too is "CERT_HAS_EXPIRED" to it. So the authority's signature and the times are looked at here, whatever it says.
 */
export function judge(presented: Presented, judging: Judging): Judgement {
  const { address, certificate, verdict } = presented;
  if (certificate === undefined) return { facts: { address, subject: undefined, authorityId: '', expiresAtMs: 0 } };
  const authorityId = issuerOf(presented, judging.authorities);
  if (authorityId === undefined) {
    return faulty(
      'untrusted',
      `The certificate that came from "${address}" is from another authority than this cluster's`,
    );
  }
  const subject = subjectOf(certificate.subjectAltName);
  if (subject === undefined || certificate.ca) {
    return faulty('nameless', `The certificate that came from "${address}" names nobody that this cluster knows of`);
  }
  const late = timeFault(certificate, subject, judging);
  if (late !== undefined) return late;
  if (verdict !== undefined && !OWN_JUDGEMENT.has(verdict)) {
    return faulty('invalid', `The certificate of ${subjectText(subject)} is not valid here: ${verdict}`);
  }
  const expiresAtMs = certificate.validToDate.getTime();
  return { facts: { address, subject, authorityId, expiresAtMs } };
}

/** What is judged by our own clock. */
const OWN_JUDGEMENT = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

/**
 * Id of the authority that signed it; undefined if nobody who is trusted vouches for that. Empty for one that is not
 * known here, since it came while this member was away: those before it vouch for it in the chain that came along, which
 * OpenSSL has followed, and shows to nobody on this side.
 */
function issuerOf(
  { certificate, verdict, outdated }: Presented,
  authorities: readonly TrustedAuthority[],
): string | undefined {
  const direct = authorities.find((authority) => signed(certificate!, authority.certificate));
  return direct?.id ?? (verdict === undefined && outdated !== true ? '' : undefined);
}

function signed(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

function timeFault(
  { validFromDate, validToDate }: X509Certificate,
  subject: Subject,
  { nowMs, renewExpiredWithinMs }: Judging,
): Judgement | undefined {
  const here = new Date(nowMs).toISOString();
  if (nowMs < validFromDate.getTime()) {
    const message = `The certificate of ${subjectText(subject)} ${beginsLaterText(validFromDate.getTime(), nowMs)}`;
    return { fault: 'not-yet-valid', error: new CellError('CELL_E_CLOCK_SKEW', message) };
  }
  const allowanceMs = subject.kind === 'node' ? renewExpiredWithinMs : 0;
  if (nowMs <= validToDate.getTime() + allowanceMs) return undefined;
  const again = subject.kind === 'node' ? 'Join again with a new token' : 'Get another one';
  const message =
    `The certificate of ${subjectText(subject)} ended at ${validToDate.toISOString()}, and here it is ${here}. If the ` +
    `clocks are right: ${again}`;
  return faulty('expired', message);
}

function faulty(fault: CertificateFault, message: string): Judgement {
  const refusal = fault === 'expired' ? 'certificate-ended' : 'certificate-untrusted';
  return { fault, error: new CellError('CELL_E_UNAUTHENTICATED', message, { refusal }) };
}
