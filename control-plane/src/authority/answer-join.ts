/** Makes other machines members: gives them the keys and the authorities, for a token. */
import { timingSafeEqual } from 'node:crypto';
import { clockProblem, IdentityError, parseToken, secretHash, type Token } from '@cell/identity';
import type { JoinMemberRequest, JoinMemberResponseSchema, Outgoing } from '@cell/proto';
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import type { Clock, Consensus, EnteredCall } from '../ports.ts';
import { joinMemberRefusal } from '../state/apply/join-member.ts';
import type { Authority } from './authority.ts';
import { renderBook } from './authority-book.ts';
import type { AuthorityPlaces } from './authority-folder.ts';
import { type Invitations, readInvitations, writeInvitations } from './invitations.ts';

export interface JoinAnswerParts {
  readonly places: AuthorityPlaces;
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Logger;
  /** Undefined until this member takes part in a cluster. */
  readonly consensus: () => Pick<Consensus, 'state' | 'submit' | 'readBarrier'> | undefined;
}

type Answer = Outgoing<typeof JoinMemberResponseSchema>;
type JoinCall = Pick<EnteredCall, 'from' | 'note'>;

const SUBMIT_MS_MAX = 5_000;
const MEMBER_ID_MAX = 1_000_000;
const MACHINE = /^[A-Za-z0-9_-]{16,64}$/;

/** Answers `PeerService.JoinMember`. */
export class JoinAnswerer {
  readonly #parts: JoinAnswerParts;
  #giving: Promise<unknown> = Promise.resolve();

  constructor(parts: JoinAnswerParts) {
    this.#parts = parts;
  }

  /**
   * Rejects with `CELL_E_UNAUTHENTICATED` (no such token), `CELL_E_FORBIDDEN` (a token that is over), `CELL_E_CONFLICT`
   * (another machine came first), `CELL_E_FOREIGN_CLUSTER`, `CELL_E_NOT_FOUND` (not invited), `CELL_E_INVALID`,
   * `CELL_E_STARTING` (can't say yet), `CELL_E_CLOCK_SKEW`, or as `Consensus.submit` does.
   */
  async answer(request: JoinMemberRequest, call: JoinCall): Promise<Answer> {
    const { authority, clock } = this.#parts;
    const id = Number(request.memberId);
    const token = readToken(request.token);
    check(request, id, authority.cluster);
    checkClock(request, clock.wallMs());
    const consensus = this.#parts.consensus();
    if (consensus === undefined || consensus.state.authorities.length === 0) await this.#giveFounder(token, request);
    else await this.#admit(consensus, token, id, call);
    this.#parts.log.info(
      { joined: id, from: call.from },
      `Gave the machine at "${call.from}" what makes it member ${id}`,
    );
    return {
      keys: authority.keys.map(({ id: keyId, key, createdAtMs }) => ({
        id: keyId,
        key,
        createdAtMs: BigInt(createdAtMs),
      })),
      genesis: Buffer.from(renderBook(authority.book)),
    };
  }

  /** One at a time: each id is for the machine that came first. */
  #giveFounder(token: Token, request: JoinMemberRequest): Promise<void> {
    const given = this.#giving.then(async () => {
      const { places, clock, authority } = this.#parts;
      const invitations = await readInvitations(places);
      // Once something was changed since, the state has been there before, and says who may have what is new.
      if (invitations === undefined || authority.book.index > 0) throw notFounded();
      checkFounding(invitations, token, request, clock.wallMs());
      const next = { ...invitations.given, [String(request.memberId)]: request.machine };
      // First on the disk: what was given must not be given again after a crash.
      await writeInvitations(places, { ...invitations, given: next });
    });
    this.#giving = given.catch(() => undefined);
    return given;
  }

  async #admit(
    consensus: Pick<Consensus, 'state' | 'submit' | 'readBarrier'>,
    token: Token,
    id: number,
    call: JoinCall,
  ): Promise<void> {
    const hash = secretHash(token.secret);
    // A member that lags does not know a new token yet.
    if (!consensus.state.tokens.has(token.id)) await consensus.readBarrier(SUBMIT_MS_MAX);
    const row = consensus.state.tokens.get(token.id);
    if (row === undefined || !sameHash(row.secretHash, hash)) throw unknownToken();
    const joining = { kind: 'join-member', tokenId: token.id, id, timeMs: this.#parts.clock.wallMs() } as const;
    // Whoever waits to be invited asks again and again: an entry for each attempt would push out those of others.
    if (joinMemberRefusal(consensus.state, joining) !== undefined) {
      await consensus.readBarrier(SUBMIT_MS_MAX);
      const refusal = joinMemberRefusal(consensus.state, joining);
      if (refusal !== undefined) throw new CellError(...refusal);
    }
    const command = { ...joining, audit: call.note(`member/${id} by token/${row.name} (${row.id})`) };
    const result = await consensus.submit(command, SUBMIT_MS_MAX);
    if (!result.ok) throw new CellError(result.code, result.message);
  }
}

function readToken(text: string): Token {
  try {
    return parseToken(text, 'join');
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    throw new CellError('CELL_E_UNAUTHENTICATED', error.message, { cause: error });
  }
}

function check({ cluster, machine }: JoinMemberRequest, id: number, own: string): void {
  if (cluster !== own) {
    const message = `This member is of cluster "${own}", not of "${cluster}". Correct "cluster" or "members"`;
    throw new CellError('CELL_E_FOREIGN_CLUSTER', message);
  }
  if (!Number.isSafeInteger(id) || id < 1 || id > MEMBER_ID_MAX) {
    throw new CellError('CELL_E_INVALID', `The member id "${id}" is not a whole number from 1 to ${MEMBER_ID_MAX}`);
  }
  if (!MACHINE.test(machine)) throw new CellError('CELL_E_INVALID', 'The machine does not say its own random name');
}

/** Before the token counts as used: such a machine could not talk to the others. */
function checkClock({ timeMs }: JoinMemberRequest, nowMs: number): void {
  const skew = timeMs === 0n ? undefined : clockProblem(Number(timeMs), nowMs);
  if (skew !== undefined) throw new CellError('CELL_E_CLOCK_SKEW', skew);
}

function checkFounding(invitations: Invitations, token: Token, request: JoinMemberRequest, nowMs: number): void {
  const { tokenId, expiresAtMs, given } = invitations;
  if (token.id !== tokenId || !sameHash(invitations.secretHash, secretHash(token.secret))) throw unknownToken();
  const id = String(request.memberId);
  if (nowMs >= expiresAtMs) {
    const message =
      `The token ended at ${new Date(expiresAtMs).toISOString()}. Remove the authority folder of the first machine, ` +
      'and say "cell-control-plane init" there again';
    throw new CellError('CELL_E_FORBIDDEN', message);
  }
  if (!Object.hasOwn(given, id)) {
    const ids = Object.keys(given).join(', ');
    const message = `Member "${id}" is not one of the founding members that are waited for (${ids}). Correct "members"`;
    throw new CellError('CELL_E_FORBIDDEN', message);
  }
  if (given[id] !== '' && given[id] !== request.machine) {
    const message =
      `Another machine has come as member "${id}" already. If its data folder was emptied since, or you do not know ` +
      'that machine, begin anew: remove the authority folder of the first machine and say "cell-control-plane init" there';
    throw new CellError('CELL_E_CONFLICT', message);
  }
}

function sameHash(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}

/** Whoever guesses is always told the same. */
function unknownToken(): CellError {
  const message =
    'The token is not known here: it was revoked, has ended long ago, or belongs to another control plane. Make another ' +
    'one with "cellctl token create --role control-plane"';
  return new CellError('CELL_E_UNAUTHENTICATED', message);
}

function notFounded(): CellError {
  return new CellError(
    'CELL_E_STARTING',
    'This member is not in a cluster yet; the one that was set up with "init" answers',
  );
}
