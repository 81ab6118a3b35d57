import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { type Subject, subjectUri } from '@cell/identity';
import {
  bitString,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  time,
  truth,
  utf8String,
} from './der.ts';

/** What certificates say besides; object identifiers of RFC 5280 and RFC 5758. */
const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** 127 random bits that are not 0: RFC 5280, section 4.1.2.2, wants a positive number of 20 bytes at most. */
const SERIAL_BYTES = 16;

/** Who signs. */
export interface Signer {
  /** `AuthorityRow.id`: its name in certificates is made of it. */
  readonly id: string;
  readonly privateKey: KeyObject;
  /** Of its key: SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
}

export interface CertificateTimes {
  /** Milliseconds since 1970; whole seconds of them are written. */
  readonly beginsAtMs: number;
  readonly endsAtMs: number;
}

/** The certificate of an authority, PEM: signed by itself, or by another one for those who trust only that. */
export function makeAuthorityCertificate(
  authority: Omit<Signer, 'privateKey'>,
  signer: Signer,
  times: CertificateTimes,
) {
  return makeCertificate({ ...authority, name: authorityName(authority.id), signer, times }, [
    // Critical, as each of these that a reader must not overlook.
    extension(OID.basicConstraints, sequence(truth()), true),
    // keyCertSign and cRLSign: bits 5 and 6.
    extension(OID.keyUsage, bitString(Buffer.from([0b0000_0110]), 1), true),
  ]);
}

/** The certificate of anybody else, PEM. `publicKey`: SubjectPublicKeyInfo, DER. Only members answer as servers. */
export function makeSubjectCertificate(
  subject: Subject,
  publicKey: Uint8Array,
  signer: Signer,
  times: CertificateTimes,
): string {
  const uses = subject.kind === 'member' ? [OID.serverAuth, OID.clientAuth] : [OID.clientAuth];
  const name = [named(OID.organization, subject.kind), named(OID.commonName, String(subject.id))];
  return makeCertificate({ publicKey, name: sequence(...name), signer, times }, [
    extension(OID.basicConstraints, sequence(), true),
    // digitalSignature: bit 0.
    extension(OID.keyUsage, bitString(Buffer.from([0b1000_0000]), 7), true),
    extension(OID.extendedKeyUsage, sequence(...uses.map(objectIdentifier)), false),
    extension(OID.subjectAltName, sequence(implicit(6, Buffer.from(subjectUri(subject), 'ascii'))), false),
  ]);
}

interface CertificateParts {
  readonly publicKey: Uint8Array;
  /** DER of a Name. */
  readonly name: Buffer;
  readonly signer: Signer;
  readonly times: CertificateTimes;
}

/** RFC 5280, section 4.1. */
function makeCertificate({ publicKey, name, signer, times }: CertificateParts, extensions: readonly Buffer[]): string {
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSha256));
  const all = [
    ...extensions,
    extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(publicKey)), false),
    extension(OID.authorityKeyIdentifier, sequence(implicit(0, keyIdentifier(signer.publicKey))), false),
  ];
  const content = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    algorithm,
    authorityName(signer.id),
    sequence(time(times.beginsAtMs), time(times.endsAtMs)),
    name,
    publicKey,
    explicit(3, sequence(...all)),
  );
  return toPem(sequence(content, algorithm, bitString(sign('sha256', content, signer.privateKey))));
}

function authorityName(id: string): Buffer {
  return sequence(named(OID.commonName, `Cell authority ${id}`));
}

function named(attribute: string, text: string): Buffer {
  return setOf(sequence(objectIdentifier(attribute), utf8String(text)));
}

function extension(oid: string, value: Buffer, critical: boolean): Buffer {
  return sequence(objectIdentifier(oid), ...(critical ? [truth()] : []), octetString(value));
}

/** RFC 7093, section 2, method 1. */
function keyIdentifier(publicKey: Uint8Array): Buffer {
  return createHash('sha256').update(publicKey).digest().subarray(0, 20);
}

function serialNumber(): Buffer {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
