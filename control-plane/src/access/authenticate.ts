/** Who makes a call, by its token or by the certificate of its connection. */
import { timingSafeEqual } from 'node:crypto';
import { parseToken, type Subject, secretHash } from '@cell/identity';
import type { Metadata } from '@grpc/grpc-js';
import { CellError } from '../cell-error.ts';
import type { TokenRow } from '../model/identity.ts';
import type { RefusalCause } from '../model/refusal-cause.ts';
import type { Caller, ConnectionFacts } from '../ports.ts';
import type { FleetState } from '../state/fleet-state.ts';

type Person = Caller & { readonly kind: 'person' };

/** What of the state is looked at. */
export type KnownIdentities = Pick<FleetState, 'tokens' | 'nodeIdentities' | 'members' | 'recoveries' | 'authorities'>;

export interface AuthenticationParts {
  /** Undefined until this member is in a cluster and has read its data. */
  readonly state: () => KnownIdentities | undefined;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  /** How long after its end a node's certificate is still good for renewing it. */
  readonly renewExpiredWithinMs: number;
}

/** A token that was good: it stays so while the state has the very same row, until it ends. */
interface ProvenToken {
  readonly row: TokenRow;
  readonly person: Person;
}

/** Tokens that needn't be hashed again for each call. */
const PROVEN_MAX = 1_000;
/** A token has half of that. */
const REMEMBERED_LENGTH_MAX = 256;
const BEARER = /^bearer +(\S.*)$/i;
/** In the place of a token that does not exist: to say so takes as long as to say that a secret is wrong. */
const NO_HASH = secretHash('');

export class Authentication {
  readonly #parts: AuthenticationParts;
  /** By the text of the metadata, the oldest first. */
  readonly #proven = new Map<string, ProvenToken>();

  constructor(parts: AuthenticationParts) {
    this.#parts = parts;
  }

  /** A token counts more than the connection's certificate. Throws `CELL_E_UNAUTHENTICATED`, `CELL_E_STARTING`. */
  caller(metadata: Metadata, facts: ConnectionFacts | undefined): Caller {
    const given = metadata.get('authorization');
    if (given.length === 0) return facts?.subject === undefined ? { kind: 'nobody' } : this.#certified(facts);
    const [text] = given;
    if (given.length > 1 || typeof text !== 'string')
      throw unauthenticated('token-malformed', 'The call carries more than one token');
    const proven = this.#proven.get(text);
    const state = this.#state();
    if (proven !== undefined && state.tokens.get(proven.row.id) === proven.row) {
      this.#checkEnd(proven.row);
      return proven.person;
    }
    this.#proven.delete(text);
    const row = this.#prove(state, text);
    return this.#remember(text, row);
  }

  #prove(state: KnownIdentities, text: string): TokenRow {
    const { id, secret } = readToken(text);
    const row = state.tokens.get(id);
    const wanted = Buffer.from(row?.secretHash ?? NO_HASH, 'hex');
    const same = timingSafeEqual(Buffer.from(secretHash(secret), 'hex'), wanted);
    if (row === undefined || !same || personRole(row) === undefined) {
      throw unauthenticated(
        'token-unknown',
        'The token is not good: it may have been revoked, or be of another cluster. Ask an admin for another one',
      );
    }
    this.#checkEnd(row);
    return row;
  }

  #remember(text: string, row: TokenRow): Person {
    const person = personOf(row, undefined);
    // There may be any number of spaces in it.
    if (text.length > REMEMBERED_LENGTH_MAX) return person;
    if (this.#proven.size >= PROVEN_MAX) this.#proven.delete(this.#proven.keys().next().value!);
    this.#proven.set(text, { row, person });
    return person;
  }

  #certified(facts: ConnectionFacts): Caller {
    const subject = facts.subject as Subject;
    if (subject.kind === 'node') return this.#node(subject.id, facts.expiresAtMs);
    if (facts.expiresAtMs <= this.#parts.wallMs()) {
      const message = `The certificate of the connection ended at ${timeOf(facts.expiresAtMs)}: connect anew`;
      throw unauthenticated('certificate-ended', message);
    }
    return subject.kind === 'member' ? this.#member(subject.id) : this.#token(subject.id, facts.expiresAtMs);
  }

  /** A member that is not known is believed: its certificate is ours, and this member may lag behind. */
  #member(id: number): Caller {
    const state = this.#parts.state();
    if (state?.members.get(id)?.status === 'removed') {
      const recovery = state.recoveries.find(({ dropped }) => dropped.includes(id));
      const why = recovery === undefined ? '' : ', which lost its quorum and goes on without it';
      const message =
        `Member "${id}" was removed from the control plane${why}. To use the machine again, add it with an id that was ` +
        'never used and an empty data folder';
      throw new CellError('CELL_E_REMOVED', message);
    }
    return { kind: 'member', id };
  }

  #node(id: string, expiresAtMs: number): Caller {
    const row = this.#state().nodeIdentities.get(id);
    const again = 'to use the machine again, give its agent an empty data folder and a new token to join with';
    if (row === undefined) {
      // Its certificate is ours, and its row is kept for long after that has ended: it can only have joined just now.
      const message = `Node "${id}" is not known to this member yet; try again, or another member. If it stays so: ${again}`;
      throw new CellError('CELL_E_STARTING', message);
    }
    if (row.revokedAtMs !== undefined) throw unauthenticated('node-revoked', `Node "${id}" was revoked; ${again}`);
    const lateMs = this.#parts.wallMs() - expiresAtMs;
    if (lateMs < 0) return { kind: 'node', id, expired: false };
    if (lateMs < this.#parts.renewExpiredWithinMs) return { kind: 'node', id, expired: true };
    const message = `The certificate of node "${id}" ended at ${timeOf(expiresAtMs)}, too long ago; ${again}`;
    throw unauthenticated('certificate-ended', message);
  }

  #token(id: string, certificateExpiresAtMs: number): Person {
    const row = this.#state().tokens.get(id);
    if (row === undefined || personRole(row) === undefined) {
      const message = 'The token that the certificate was issued on was revoked. Ask an admin for another one';
      throw unauthenticated('token-unknown', message);
    }
    this.#checkEnd(row);
    return personOf(row, certificateExpiresAtMs);
  }

  #checkEnd({ name, expiresAtMs }: TokenRow): void {
    if (expiresAtMs === undefined || this.#parts.wallMs() < expiresAtMs) return;
    throw unauthenticated(
      'token-ended',
      `Token "${name}" ended at ${timeOf(expiresAtMs)}. Ask an admin for another one`,
    );
  }

  /** Before the first leader has written who may call, nobody is wrong yet. */
  #state(): KnownIdentities {
    const state = this.#parts.state();
    if (state !== undefined && state.authorities.length > 0) return state;
    throw new CellError('CELL_E_STARTING', 'This member does not know yet who may call; try again in a moment');
  }
}

function readToken(text: string) {
  const bearer = BEARER.exec(text)?.[1];
  if (bearer === undefined)
    throw unauthenticated('token-malformed', 'The metadata "authorization" must be "Bearer" and a token');
  try {
    return parseToken(bearer, 'access');
  } catch (error) {
    const options = { cause: error, refusal: 'token-malformed' } as const;
    throw new CellError('CELL_E_UNAUTHENTICATED', (error as Error).message, options);
  }
}

function personRole({ role }: TokenRow): Person['role'] | undefined {
  return role === 'viewer' || role === 'operator' || role === 'admin' ? role : undefined;
}

function personOf(row: TokenRow, certificateExpiresAtMs: number | undefined): Person {
  const { id, name, namespace } = row;
  return { kind: 'person', tokenId: id, name, role: personRole(row)!, namespace, certificateExpiresAtMs };
}

function timeOf(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

function unauthenticated(refusal: RefusalCause, message: string): CellError {
  return new CellError('CELL_E_UNAUTHENTICATED', message, { refusal });
}
