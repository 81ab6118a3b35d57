/**
 * Who may do what, and who did, as the state machine stores it. Rows are immutable plain data, as in entities.ts.
 * Nothing secret is in it in clear: tokens are hashed, keys and secrets are sealed (see `Sealed`).
 */

/** What a token entitles a person or a program to; each includes the one before. */
export type PersonRole = 'viewer' | 'operator' | 'admin';

export type TokenRole = PersonRole | 'agent' | 'control-plane';

export interface TokenRow {
  /** As in the token's text; not secret. */
  readonly id: string;
  /** Unique among the tokens that there are. */
  readonly name: string;
  readonly role: TokenRole;
  /** Only jobs and secrets of this namespace; undefined: no such limit. */
  readonly namespace: string | undefined;
  /** SHA-256 of the token's secret, hexadecimal. */
  readonly secretHash: string;
  readonly createdAtMs: number;
  /** The actor, as in the audit log. */
  readonly createdBy: string;
  /** Undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** Undefined: as often as one likes; for tokens of people. */
  readonly usesLeft: number | undefined;
  readonly modifyIndex: number;
}

/** A node that has joined: the only one that may speak for it has the key. */
export interface NodeIdentityRow {
  readonly nodeId: string;
  /** When it joined; the row of the node may have another one since. */
  readonly name: string;
  /** The token that it joined with. */
  readonly tokenId: string;
  /** SHA-256 of its newest public key (SubjectPublicKeyInfo, DER), hexadecimal. */
  readonly keyHash: string;
  /** The authority that its newest certificate is from. */
  readonly authorityId: string;
  readonly certificateExpiresAtMs: number;
  readonly joinedAtMs: number;
  /** Undefined unless its identity was ended. The row stays, so that the id can't join again. */
  readonly revokedAtMs: number | undefined;
  readonly modifyIndex: number;
}

/** A certificate authority. The newest one issues; those before it are trusted until they are retired. */
export interface AuthorityRow {
  /** The first 16 digits of its pin. */
  readonly id: string;
  /** Self-signed, PEM. */
  readonly certificate: string;
  /** For its name and key too, signed by the authority before it, PEM; empty if there was none. */
  readonly crossCertificate: string;
  /** Its private key: PKCS #8, DER. */
  readonly sealedKey: Sealed;
  readonly createdAtMs: number;
  readonly modifyIndex: number;
}

/**
 * Text that only who has the key can read: "KEY-ID.NONCE.TEXT", the last two in base64url; AES-256-GCM (NIST SP
 * 800-38D), bound to what it is for. The keys are never in the state, nor in anything that is made of it.
 */
export type Sealed = string;

/** Id of the key that a value says it is sealed with. */
export function sealingKeyOf(sealed: Sealed): string {
  return sealed.split('.', 1)[0]!;
}

/**
 * Id of the key that all new values must be sealed with: the one that the issuing authority is sealed with. Only a
 * `Reseal` of that authority changes it. Undefined before there is an authority.
 */
export function sealingKeyInForce(authorities: readonly Pick<AuthorityRow, 'sealedKey'>[]): string | undefined {
  const issuing = authorities.at(-1);
  return issuing && sealingKeyOf(issuing.sealedKey);
}

/** A secret for jobs. */
export interface SecretRow {
  readonly namespace: string;
  readonly name: string;
  /** Counts up from 1 with each new value. */
  readonly version: number;
  readonly sealed: Sealed;
  readonly sizeBytes: number;
  readonly changedAtMs: number;
  /** The actor, as in the audit log. */
  readonly changedBy: string;
  readonly modifyIndex: number;
}

/** Who asks for a change: goes with the command, so that a change without its entry can't be. */
export interface AuditNote {
  /** "token/<name> (<id>)", "node/<id>", "member/<id>" or "nobody". */
  readonly actor: string;
  /** Service and method: "JobService/SubmitJob". */
  readonly method: string;
  /** On what: "job/web"; may be empty. Of who was not let in, why: see `refusalSubject`. */
  readonly subject: string;
  /** The address of the caller, without its port. */
  readonly from: string;
}

export interface AuditRow extends AuditNote {
  /** Counts up from 1 without gaps. */
  readonly sequence: number;
  /** Wall clock of the member that took the call. */
  readonly timeMs: number;
  /** Raft index at which it was written. */
  readonly index: number;
  /** "ok", "begun" for what takes long (its end is another entry), or the code of the error. */
  readonly outcome: string;
  /** How many calls it stands for: more than one only for refused ones of the same kind. */
  readonly count: number;
  /** SHA-256 of the hash before and of this row without its hash, hexadecimal; see `auditHash`. */
  readonly hash: string;
}

export { DEFAULT_NAMESPACE } from '@cell/job';

/** The identity of a secret in its table. */
export function secretKey({ namespace, name }: Pick<SecretRow, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/** What a secret is sealed for. */
export function secretPurpose(secret: Pick<SecretRow, 'namespace' | 'name'>): string {
  return `secret/${secretKey(secret)}`;
}

/** What the private key of an authority is sealed for. */
export function authorityPurpose(id: string): string {
  return `authority/${id}`;
}
