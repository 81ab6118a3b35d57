import { CERTIFICATE_BEGINS_BEFORE_MS, type Credentials, type Subject, type Trust } from '@cell/identity';
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import type { AuthorityRow } from '../model/identity.ts';
import type { Clock, IssuedCertificate, Issuer, SealingKey, Vault } from '../ports.ts';
import type { NewAuthority, NewToken } from '../state/commands.ts';
import { type AuthorityBook, isSealingKey } from './authority-book.ts';
import { type AuthorityPlaces, readBook, readKeyring, writeBook, writeKeyring } from './authority-folder.ts';
import { makeSubjectCertificate } from './make-certificate.ts';
import { makeSealingKey, openSealed, sealedWith, sealValue } from './sealing.ts';
import { makeAuthority, makeKeyPair, openAuthority, type SigningAuthority } from './signing-authority.ts';

export interface AuthorityParts extends AuthorityPlaces {
  readonly memberId: number;
  readonly clock: Clock;
  /** Of this member's own certificate. */
  readonly lifetimeMs: number;
  readonly log: Logger;
}

/** What the first leader writes down. */
export interface Genesis {
  readonly authority: NewAuthority;
  readonly tokens: readonly NewToken[];
}

/** How often the clock is looked at: it may jump, and a machine may sleep. */
const LOOK_MS_MAX = 60_000;
const LOOKS_PER_LIFETIME = 20;

/** What makes a machine a member: keys, authorities, its own certificate. */
export class Authority implements Vault, Issuer {
  readonly #parts: AuthorityParts;
  readonly #listeners = new Set<() => void>();
  readonly #stopLooking: () => void;
  #book: AuthorityBook;
  #keys: readonly SealingKey[];
  #authorities: readonly SigningAuthority[];
  #trust: Trust;
  #own: OwnCredentials;
  #writing: Promise<unknown> = Promise.resolve();

  /**
   * Reads what "init" or "join" left. Rejects with `CELL_E_NOT_INITIALIZED` if there was neither, with `CELL_E_SEALED` if
   * it is damaged, and with `CELL_E_CONFIG` if it can't be read, or everybody can.
   */
  static async open(parts: AuthorityParts): Promise<Authority> {
    const book = await readBook(parts);
    if (book === undefined) throw notInitialized(parts.folder);
    const keys = await readKeyring(parts);
    return new Authority(parts, book, keys);
  }

  private constructor(parts: AuthorityParts, book: AuthorityBook, keys: readonly SealingKey[]) {
    this.#parts = parts;
    this.#book = book;
    this.#keys = keys;
    this.#authorities = book.authorities.map((row) => openAuthority(row, keys));
    this.#trust = trustOf(this.#authorities);
    this.#own = this.#makeOwn();
    const lookMs = Math.min(LOOK_MS_MAX, parts.lifetimeMs / LOOKS_PER_LIFETIME);
    this.#stopLooking = parts.clock.every(lookMs, () => this.#renewIfDue());
  }

  /** Name of the cluster that it is for. */
  get cluster(): string {
    return this.#book.cluster;
  }

  get genesis(): Genesis {
    return { authority: this.#book.authorities[0]!, tokens: this.#book.tokens };
  }

  /** For a machine that becomes a member: the format of `parseBook`. */
  get book(): AuthorityBook {
    return this.#book;
  }

  /** This member's own. Its key is in memory only. */
  get own(): Credentials {
    return this.#own;
  }

  /** PEM, the newest last. */
  get trust(): Trust {
    return this.#trust;
  }

  get pin(): string {
    return this.#issuing.pin;
  }

  get keyId(): string {
    return sealedWith(this.#issuing.row.sealedKey);
  }

  get keys(): readonly SealingKey[] {
    return this.#keys;
  }

  get #issuing(): SigningAuthority {
    return this.#authorities.at(-1)!;
  }

  /** Calls after `own` or `trust` has changed; returns how to stop. */
  onRenewal(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * The authorities of the state at that Raft index, the newest last; none means that it has none yet. A state that is
   * older than what was followed before, as after a start from an old snapshot, says nothing: members that are ahead
   * may trust its authorities no more. Resolves once they are on this disk too. Rejects with `CELL_E_SEALED` if one can't be opened with the keys that are here, and goes on as before.
   */
  follow(rows: readonly AuthorityRow[], index: number): Promise<void> {
    return this.#inOrder(async () => {
      const known = this.#authorities;
      if (rows.length === 0 || index < this.#book.index || sameRows(rows, this.#book.authorities)) return;
      const authorities = rows.map((row) => openAuthority(row, this.#keys));
      const book = { ...this.#book, authorities: rows, index };
      // First on the disk: a member that comes back must know whom it has trusted.
      await writeBook(this.#parts, book);
      this.#book = book;
      this.#authorities = authorities;
      if (sameIds(known, authorities)) return;
      this.#trust = trustOf(authorities);
      this.#renew();
    });
  }

  seal(value: Uint8Array, purpose: string, keyId = this.keyId): string {
    const key = this.#keys.find(({ id }) => id === keyId);
    if (key === undefined) {
      throw new CellError(
        'CELL_E_SEALED',
        `Cannot seal "${purpose}": the keyring here does not have the key "${keyId}"`,
      );
    }
    return sealValue(key, value, purpose);
  }

  open(sealed: string, purpose: string): Uint8Array {
    return openSealed(this.#keys, sealed, purpose);
  }

  makeKey(): SealingKey {
    return makeSealingKey(this.#parts.clock.wallMs());
  }

  addKey(key: SealingKey): Promise<void> {
    return this.#inOrder(async () => {
      if (!isSealingKey(key)) throw new CellError('CELL_E_INVALID', 'A key to seal with must have an id and 32 bytes');
      if (this.#keys.some(({ id }) => id === key.id)) return;
      const keys = [...this.#keys, key];
      await writeKeyring(this.#parts, keys);
      this.#keys = keys;
    });
  }

  async issue(subject: Subject, publicKey: Uint8Array, lifetimeMs: number): Promise<IssuedCertificate> {
    return this.#issue(subject, publicKey, lifetimeMs);
  }

  async successor(): Promise<{ readonly after: string; readonly authority: NewAuthority }> {
    const before = this.#issuing;
    const key = this.#keys.find(({ id }) => id === this.keyId)!;
    return { after: before.id, authority: makeAuthority(key, this.#parts.clock.wallMs(), before) };
  }

  /** Renews no more. */
  stop(): void {
    this.#stopLooking();
    this.#listeners.clear();
  }

  #issue(subject: Subject, publicKey: Uint8Array, lifetimeMs: number): IssuedCertificate {
    const issuing = this.#issuing;
    const nowMs = this.#parts.clock.wallMs();
    const endsAtMs = wholeSeconds(Math.min(nowMs + lifetimeMs, issuing.endsAtMs));
    const times = { beginsAtMs: nowMs - CERTIFICATE_BEGINS_BEFORE_MS, endsAtMs };
    const certificate = makeSubjectCertificate(subject, publicKey, issuing, times);
    return { chain: certificate + upwards(this.#authorities), authorityId: issuing.id, expiresAtMs: endsAtMs };
  }

  #makeOwn(): OwnCredentials {
    const { privateKey, publicKey } = makeKeyPair();
    const { clock, memberId, lifetimeMs } = this.#parts;
    const issued = this.#issue({ kind: 'member', id: memberId }, publicKey, lifetimeMs);
    return {
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      chain: issued.chain,
      madeAtMs: clock.wallMs(),
      halfAtMs: clock.wallMs() + (issued.expiresAtMs - clock.wallMs()) / 2,
    };
  }

  #renewIfDue(): void {
    const nowMs = this.#parts.clock.wallMs();
    // A clock that was set back would make others see a certificate that begins in the future.
    if (nowMs >= this.#own.halfAtMs || nowMs < this.#own.madeAtMs) this.#renew();
  }

  #renew(): void {
    this.#own = this.#makeOwn();
    this.#parts.log.info({ authority: this.#issuing.id }, 'This member has a new certificate of its own');
    for (const listener of this.#listeners) listener();
  }

  /** One change at a time; what fails stops none of those after it. */
  #inOrder(work: () => Promise<void>): Promise<void> {
    const done = this.#writing.then(work);
    this.#writing = done.catch(() => undefined);
    return done;
  }
}

interface OwnCredentials extends Credentials {
  readonly madeAtMs: number;
  /** At half of its life. */
  readonly halfAtMs: number;
}

function trustOf(authorities: readonly SigningAuthority[]): Trust {
  return authorities.map(({ row }) => row.certificate);
}

/**
 * What follows a certificate in its chain: the authority as each one before it has signed it, then the oldest itself. So
 * those who trust only an older one find their way, and those who pin any one of them see it.
 */
function upwards(authorities: readonly SigningAuthority[]): string {
  const [oldest, ...later] = authorities;
  const crossed = later.map(({ row }) => row.crossCertificate).reverse();
  return [...crossed, oldest!.row.certificate].join('');
}

function sameRows(left: readonly NewAuthority[], right: readonly NewAuthority[]): boolean {
  return sameIds(left, right) && left.every(({ sealedKey }, place) => sealedKey === right[place]!.sealedKey);
}

function sameIds(left: readonly { readonly id: string }[], right: readonly { readonly id: string }[]): boolean {
  return left.length === right.length && left.every(({ id }, place) => id === right[place]!.id);
}

/** As certificates can say it. */
function wholeSeconds(timeMs: number): number {
  return Math.floor(timeMs / 1000) * 1000;
}

function notInitialized(folder: string): CellError {
  const message =
    `This machine is no member yet: there is nothing in "${folder}". On the first machine of a new control plane say ` +
    '"cell-control-plane init"; on all others "cell-control-plane join", with the token that it printed';
  return new CellError('CELL_E_NOT_INITIALIZED', message);
}
