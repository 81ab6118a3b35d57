/** Keys and certificates on paper: what is sealed can be read by everybody, and certificates are words. */
import { TestAuthority } from '../../authority/testing/test-authority.ts';
import { CellError } from '../../cell-error.ts';
import { authorityPurpose } from '../../model/identity.ts';
import type { IssuedCertificate, Issuer, SealingKey, Vault } from '../../ports.ts';
import type { NewAuthority } from '../../state/commands.ts';
import type { FleetState } from '../../state/fleet-state.ts';

export class PaperVault implements Vault {
  readonly keys = new Map<string, SealingKey>();
  readonly #state: FleetState;
  #made = 1;

  constructor(state: FleetState) {
    this.#state = state;
    this.keys.set('key1', { id: 'key1', key: new Uint8Array(32), createdAtMs: 0 });
  }

  get keyId(): string {
    return this.#state.authorities.at(-1)?.sealedKey.split('.')[0] ?? 'key1';
  }

  seal(value: Uint8Array, purpose: string, keyId: string = this.keyId): string {
    this.#check(keyId);
    return [keyId, Buffer.from(purpose).toString('base64url'), Buffer.from(value).toString('base64url')].join('.');
  }

  open(sealed: string, purpose: string): Uint8Array {
    const [keyId = '', sealedFor = '', value = ''] = sealed.split('.');
    this.#check(keyId);
    if (Buffer.from(sealedFor, 'base64url').toString() !== purpose) {
      throw new CellError('CELL_E_SEALED', `This was not sealed for "${purpose}"`);
    }
    return Buffer.from(value, 'base64url');
  }

  makeKey(): SealingKey {
    this.#made += 1;
    return { id: `key${this.#made}`, key: new Uint8Array(32).fill(this.#made), createdAtMs: 0 };
  }

  async addKey(key: SealingKey): Promise<void> {
    this.keys.set(key.id, key);
  }

  #check(keyId: string): void {
    if (!this.keys.has(keyId)) throw new CellError('CELL_E_SEALED', `Key "${keyId}" is not here`);
  }
}

/** An authority with a certificate of its own, whose key is sealed on paper. */
export function paperAuthority(keyId = 'key1'): NewAuthority {
  const { certificate, pin } = TestAuthority.make();
  const id = pin.slice(0, 16);
  const sealedKey = `${keyId}.${Buffer.from(authorityPurpose(id)).toString('base64url')}.a2V5`;
  return { id, certificate, crossCertificate: '', sealedKey };
}

export class PaperIssuer implements Issuer {
  /** URIs of whom it made certificates for. */
  readonly issued: string[] = [];
  /** So often it is still the authority before the newest that issues. */
  lags = 0;
  readonly #state: FleetState;
  readonly #wallMs: () => number;

  constructor(state: FleetState, wallMs: () => number) {
    this.#state = state;
    this.#wallMs = wallMs;
  }

  get pin(): string {
    const lags = this.lags > 0;
    if (lags) this.lags -= 1;
    return (this.#state.authorities.at(lags ? -2 : -1)?.id ?? 'a'.repeat(16)).padEnd(64, '0');
  }

  get trust(): readonly string[] {
    return this.#state.authorities.map(({ certificate }) => certificate);
  }

  async issue(
    subject: Parameters<Issuer['issue']>[0],
    _publicKey: Uint8Array,
    lifetimeMs: number,
  ): Promise<IssuedCertificate> {
    const authorityId = this.pin.slice(0, 16);
    this.issued.push(`cell:${subject.kind}:${subject.id}`);
    const expiresAtMs = this.#wallMs() + lifetimeMs;
    return { chain: `certificate of ${subject.kind} ${subject.id} by ${authorityId}`, authorityId, expiresAtMs };
  }

  async successor() {
    return { after: this.#state.authorities.at(-1)?.id ?? '', authority: paperAuthority() };
  }
}
