import {
  type AuditRow,
  type AuthorityRow,
  type NodeIdentityRow,
  type SecretRow,
  secretKey,
  type TokenRow,
} from '../model/identity.ts';
import { AUDIT_MAX } from './limits.ts';

/** The tables about who is who, with their indexes: a part of `FleetTables`. */
export class IdentityTables {
  /** Hash of the last entry of the audit log that went; empty if all are there. */
  auditAnchor = '';
  readonly #tokens = new Map<string, TokenRow>();
  readonly #tokenIdByName = new Map<string, string>();
  readonly #nodes = new Map<string, NodeIdentityRow>();
  #joinedNodes = 0;
  #authorities: readonly AuthorityRow[] = [];
  readonly #secrets = new Map<string, SecretRow>();
  #sealedSize = 0;
  readonly #audit: AuditRow[] = [];

  get tokens(): ReadonlyMap<string, TokenRow> {
    return this.#tokens;
  }

  get nodes(): ReadonlyMap<string, NodeIdentityRow> {
    return this.#nodes;
  }

  /** Another list after each change. */
  get authorities(): readonly AuthorityRow[] {
    return this.#authorities;
  }

  get secrets(): ReadonlyMap<string, SecretRow> {
    return this.#secrets;
  }

  get audit(): readonly AuditRow[] {
    return this.#audit;
  }

  /** Characters of all sealed secrets together. */
  get sealedSize(): number {
    return this.#sealedSize;
  }

  /** Nodes that have joined and are not revoked. */
  get joinedNodes(): number {
    return this.#joinedNodes;
  }

  tokenByName(name: string): TokenRow | undefined {
    return this.#tokens.get(this.#tokenIdByName.get(name) ?? '');
  }

  putToken(row: TokenRow): void {
    this.#tokens.set(row.id, row);
    this.#tokenIdByName.set(row.name, row.id);
  }

  removeToken(row: TokenRow): void {
    this.#tokens.delete(row.id);
    this.#tokenIdByName.delete(row.name);
  }

  putNode(row: NodeIdentityRow): void {
    this.#countJoined(this.#nodes.get(row.nodeId), -1);
    this.#nodes.set(row.nodeId, row);
    this.#countJoined(row, 1);
  }

  removeNode(row: NodeIdentityRow): void {
    this.#nodes.delete(row.nodeId);
    this.#countJoined(row, -1);
  }

  /** One that was not there is the newest: it issues from then on. */
  putAuthority(row: AuthorityRow): void {
    const known = this.#authorities.some(({ id }) => id === row.id);
    this.#authorities = known
      ? this.#authorities.map((other) => (other.id === row.id ? row : other))
      : [...this.#authorities, row];
  }

  removeAuthority(id: string): void {
    this.#authorities = this.#authorities.filter((row) => row.id !== id);
  }

  putSecret(row: SecretRow): void {
    const key = secretKey(row);
    this.#sealedSize += row.sealed.length - (this.#secrets.get(key)?.sealed.length ?? 0);
    this.#secrets.set(key, row);
  }

  removeSecret(row: SecretRow): void {
    if (this.#secrets.delete(secretKey(row))) this.#sealedSize -= row.sealed.length;
  }

  /** The oldest beyond the limit go. The hash of the last one that went stays, so that the rest can be verified. */
  appendAudit(row: AuditRow): void {
    this.#audit.push(row);
    if (this.#audit.length > AUDIT_MAX) this.auditAnchor = this.#audit.shift()?.hash ?? '';
  }

  #countJoined(row: NodeIdentityRow | undefined, sign: 1 | -1): void {
    if (row !== undefined && row.revokedAtMs === undefined) this.#joinedNodes += sign;
  }
}
