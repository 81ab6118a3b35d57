/** The form of rows about who is who in snapshots, of which parts also stand in commands. */
import type { AuditNote, AuditRow, AuthorityRow, NodeIdentityRow, SecretRow, TokenRow } from '../../model/identity.ts';
import { amount, object, oneOf, optional, type Shape, text, whole } from './shape.ts';

export const newTokenFields = {
  id: text,
  name: text,
  role: oneOf('viewer', 'operator', 'admin', 'agent', 'control-plane'),
  namespace: optional(text),
  secretHash: text,
  createdBy: text,
  expiresAtMs: optional(whole),
  usesLeft: optional(amount),
};

export const tokenShape: Shape<TokenRow> = object<TokenRow>({
  ...newTokenFields,
  createdAtMs: whole,
  modifyIndex: amount,
});

export const newAuthorityFields = { id: text, certificate: text, crossCertificate: text, sealedKey: text };

export const authorityShape: Shape<AuthorityRow> = object<AuthorityRow>({
  ...newAuthorityFields,
  createdAtMs: whole,
  modifyIndex: amount,
});

export const joinedNodeFields = {
  nodeId: text,
  name: text,
  tokenId: text,
  keyHash: text,
  authorityId: text,
  certificateExpiresAtMs: whole,
};

export const nodeIdentityShape: Shape<NodeIdentityRow> = object<NodeIdentityRow>({
  ...joinedNodeFields,
  joinedAtMs: whole,
  revokedAtMs: optional(whole),
  modifyIndex: amount,
});

export const secretShape: Shape<SecretRow> = object<SecretRow>({
  namespace: text,
  name: text,
  version: amount,
  sealed: text,
  sizeBytes: amount,
  changedAtMs: whole,
  changedBy: text,
  modifyIndex: amount,
});

export const auditNoteFields = { actor: text, method: text, subject: text, from: text };

export const auditNoteShape: Shape<AuditNote> = object<AuditNote>(auditNoteFields);

export const auditShape: Shape<AuditRow> = object<AuditRow>({
  sequence: amount,
  timeMs: whole,
  index: amount,
  ...auditNoteFields,
  outcome: text,
  count: amount,
  hash: text,
});
