/** Whom a certificate names. It stands in the certificate as its only URI (RFC 5280, section 4.2.1.6). */
import type { X509Certificate } from 'node:crypto';

export type Subject =
  | { readonly kind: 'member'; readonly id: number }
  | { readonly kind: 'node'; readonly id: string }
  /** A person or program: can do what the token of this id can. */
  | { readonly kind: 'token'; readonly id: string };

const FORM = /^cell:(member|node|token):([A-Za-z0-9][A-Za-z0-9-]{0,63})$/;
const MEMBER_ID = /^[1-9]\d{0,6}$/;

export function subjectUri({ kind, id }: Subject): string {
  return `cell:${kind}:${id}`;
}

export function subjectText({ kind, id }: Subject): string {
  return `${kind} "${id}"`;
}

/** Undefined if it is not the name of one that we know. */
export function parseSubject(uri: string): Subject | undefined {
  const [, kind, id = ''] = FORM.exec(uri) ?? [];
  if (kind === 'member') return MEMBER_ID.test(id) ? { kind, id: Number(id) } : undefined;
  if (kind === 'node' || kind === 'token') return { kind, id };
  return undefined;
}

/** Of `X509Certificate.subjectAltName` or `PeerCertificate.subjectaltname`: exactly one name, and that a URI. */
export function subjectOf(subjectAltName: X509Certificate['subjectAltName']): Subject | undefined {
  if (subjectAltName === undefined || !subjectAltName.startsWith('URI:')) return undefined;
  return parseSubject(subjectAltName.slice('URI:'.length));
}
