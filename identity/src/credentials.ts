/** What one side of a connection proves itself with, and how a client makes sure of the other side. */
import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext, type PeerCertificate } from 'node:tls';
import { ChannelCredentials } from '@grpc/grpc-js';
import { IdentityError } from './identity-error.ts';
import { type Subject, subjectOf, subjectText } from './subject.ts';

/** All PEM. */
export interface Credentials {
  readonly privateKey: string;
  /** The certificate first, then those between it and an authority. */
  readonly chain: string;
}

/** Certificates of authorities, PEM. */
export type Trust = readonly string[];

/** What clients say and check in the place of a host's name: certificates name members, not addresses. */
export const SERVER_NAME = 'control-plane.cell';

/** Every connection of Cell. */
export const TLS_VERSION = 'TLSv1.3';

export interface ChannelSecurity {
  readonly trust: Trust;
  /** Undefined: a token in each call, or none. */
  readonly credentials?: Credentials | undefined;
  /** Exactly this member; undefined: any member. */
  readonly member?: number | undefined;
}

/** Use with the channel options of `channelSecurityOptions`. */
export function channelCredentials({ trust, credentials, member }: ChannelSecurity): ChannelCredentials {
  const context = createSecureContext({
    ca: [...trust],
    // During a rotation, all that there is of a pinned authority may be its certificate by the one before it.
    allowPartialTrustChain: true,
    minVersion: TLS_VERSION,
    ...(credentials === undefined ? {} : { cert: credentials.chain, key: credentials.privateKey }),
  });
  return ChannelCredentials.createFromSecureContext(context, {
    checkServerIdentity: (_host, certificate) => checkMember(certificate, member),
  });
}

/** Channel options that belong to `channelCredentials`. */
export const channelSecurityOptions = {
  'grpc.ssl_target_name_override': SERVER_NAME,
  'grpc.default_authority': SERVER_NAME,
} as const;

/** For `checkServerIdentity` of node:tls: the chain was checked already. */
export function checkMember(certificate: PeerCertificate, member: number | undefined): IdentityError | undefined {
  const subject = subjectOf(certificate.subjectaltname);
  if (subject?.kind === 'member' && (member === undefined || subject.id === member)) return undefined;
  const wanted = member === undefined ? 'a member of the control plane' : `member "${member}"`;
  return new IdentityError('CELL_E_WRONG_PEER', `Called ${wanted}, and it is ${named(subject)} that answers`);
}

function named(subject: Subject | undefined): string {
  return subject === undefined ? 'somebody without a name' : subjectText(subject);
}

/** SHA-256 of the public key (SubjectPublicKeyInfo, DER), hexadecimal: RFC 7469, section 2.4. */
export function pinOf(certificate: X509Certificate | string): string {
  const { publicKey } = typeof certificate === 'string' ? new X509Certificate(certificate) : certificate;
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}
