/** A machine becomes a member: it asks those that are, with a token. */
import {
  channelCredentials,
  channelSecurityOptions,
  connectionProblem,
  fetchTrust,
  IdentityError,
  parseToken,
  type Token,
  withoutTimes,
} from '@cell/identity';
import { callUnary, type JoinMemberResponse, PeerService } from '@cell/proto';
import { Client, Metadata } from '@grpc/grpc-js';
import { type AuthorityPlaces, isMember, joiningName, keepMembership } from './authority/index.ts';
import { CellError, type CellErrorCode } from './cell-error.ts';
import type { GivenToken } from './configured-token.ts';
import { answeredError } from './grpc-error.ts';
import type { Clock, MemberAddress } from './ports.ts';

export interface JoinMemberParts {
  readonly places: AuthorityPlaces;
  readonly memberId: number;
  readonly cluster: string;
  /** All members that the configuration names; others than this one are asked. */
  readonly members: readonly MemberAddress[];
  readonly token: GivenToken;
  readonly clock: Clock;
  /** Waits until this machine's clock is set, too, as it may not be soon after the machine's start; default: no. */
  readonly untilClocksAgree?: boolean;
  /** Aborted to give up; it then rejects with `CELL_E_STOPPED`. */
  readonly signal: AbortSignal;
  /** Told whom it waits for and why, whenever that changes. */
  readonly waiting: (reason: string) => void;
}

/** How long one member may take. */
const CONNECT_MS_MAX = 3_000;
const ANSWER_MS_MAX = 8_000;

/** Between two rounds: longer each time, since those that are asked count how often. */
const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 5_000;
const RETRY_FACTOR = 1.5;

/** They may pass by themselves: somebody is not up yet, or has not been asked to invite this member yet. */
const PASSING: ReadonlySet<string> = new Set<CellErrorCode>([
  'CELL_E_STARTING',
  'CELL_E_NO_LEADER',
  'CELL_E_NOT_LEADER',
  'CELL_E_OUTCOME_UNKNOWN',
  'CELL_E_OVERLOADED',
  'CELL_E_TIMEOUT',
  'CELL_E_STOPPED',
  'CELL_E_PEER_UNREACHABLE',
  'CELL_E_RATE_LIMITED',
  'CELL_E_NOT_FOUND',
]);

/** At a daemon's start: joins if the machine is no member yet and there is a token, which is not read otherwise. Gives whether it did. */
export async function joinIfNeeded(
  parts: Omit<JoinMemberParts, 'token'>,
  readToken: () => Promise<GivenToken | undefined>,
): Promise<boolean> {
  if (await isMember(parts.places)) return false;
  const token = await readToken();
  if (token === undefined) return false;
  await joinMember({ ...parts, token, untilClocksAgree: true });
  return true;
}

/**
 * Asks the other members, one after another, again and again, until one makes this machine a member. Rejects with
 * `CELL_E_CONFLICT` if it is one already, with `CELL_E_CONFIG` if the token is none or there is nobody to ask, and with
 * what the others say of the token, if that does not pass by itself.
 */
export async function joinMember(parts: JoinMemberParts): Promise<void> {
  const { places, memberId, cluster, members, clock, signal } = parts;
  if (await isMember(places)) {
    const message = `This machine is a member already: its authority is in "${places.folder}". Start the member`;
    throw new CellError('CELL_E_CONFLICT', message);
  }
  const token = tokenOf(parts.token);
  const others = members.filter(({ id }) => id !== memberId);
  if (others.length === 0) {
    const message = '"members" names nobody else, who could be asked. Name the members that there are';
    throw new CellError('CELL_E_CONFIG', message);
  }
  const machine = await joiningName(places);
  const passes = (code: string) =>
    PASSING.has(code) || (code === 'CELL_E_CLOCK_SKEW' && parts.untilClocksAgree === true);
  const request = { token: parts.token.text.trim(), memberId: BigInt(memberId), cluster, machine };
  const asking = { token, request, clock, passes };
  let told = '';
  for (let delayMs = RETRY_MS_MIN; ; delayMs = Math.min(delayMs * RETRY_FACTOR, RETRY_MS_MAX)) {
    const outcome = await askAll(others, asking, signal).catch((error: unknown) => {
      throw withPlace(error, parts.token.place);
    });
    if (outcome.given !== undefined) {
      await keepMembership(places, keysFromProto(outcome.given), { cluster, pin: token.pin });
      return;
    }
    const reason = `Waits for a member that can make this machine one: ${outcome.reasons.join('; ')}`;
    // What tells the time changes with each round.
    if (withoutTimes(reason) !== told) parts.waiting(reason);
    told = withoutTimes(reason);
    await pause(clock, delayMs, signal);
  }
}

interface Asking {
  readonly token: Token;
  readonly request: {
    readonly token: string;
    readonly memberId: bigint;
    readonly cluster: string;
    readonly machine: string;
  };
  readonly clock: Clock;
  /** Whether an error's code may come to pass. */
  readonly passes: (code: string) => boolean;
}

interface Asked {
  readonly given?: JoinMemberResponse;
  readonly reasons: readonly string[];
}

async function askAll(others: readonly MemberAddress[], asking: Asking, signal: AbortSignal): Promise<Asked> {
  const reasons: string[] = [];
  for (const { id, peers } of others) {
    if (signal.aborted) throw stopped();
    try {
      return { given: await ask(peers, asking, signal), reasons };
    } catch (error) {
      const { code, message } = error as { code?: unknown; message: string };
      if (typeof code !== 'string' || !asking.passes(code)) throw error;
      reasons.push(`member ${id}: ${message}`);
    }
  }
  return { reasons };
}

async function ask(
  address: string,
  { token, request, clock }: Asking,
  signal: AbortSignal,
): Promise<JoinMemberResponse> {
  // Before anything is said: whoever answers must have the authority that the token pins.
  const trust = await reached(address, () => fetchTrust(address, token.pin, CONNECT_MS_MAX, clock.wallMs()));
  const client = new Client(address, channelCredentials({ trust }), { ...channelSecurityOptions });
  try {
    const options = { deadline: clock.wallMs() + ANSWER_MS_MAX };
    const { joinMember: method } = PeerService.method;
    const said = { ...request, timeMs: BigInt(clock.wallMs()) };
    return await reached(address, () => callUnary(client, method, said, new Metadata(), options, signal));
  } finally {
    client.close();
  }
}

/** What went wrong as an error of ours. */
async function reached<T>(address: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const answered = answeredError(error);
    if (answered !== undefined) throw answered;
    const problem = connectionProblem(error, address);
    if (problem !== undefined && problem.code !== 'CELL_E_UNREACHABLE') throw problem;
    throw new CellError('CELL_E_PEER_UNREACHABLE', problem?.message ?? (error as Error).message, { cause: error });
  }
}

function keysFromProto({ keys, genesis }: JoinMemberResponse) {
  const read = keys.map(({ id, key, createdAtMs }) => ({ id, key, createdAtMs: Number(createdAtMs) }));
  return { keys: read, genesis };
}

function tokenOf({ text, place }: GivenToken): Token {
  try {
    return parseToken(text, 'join');
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    throw new CellError('CELL_E_CONFIG', cannotJoin(place, error.message), { cause: error });
  }
}

/** What may be wrong with the token is told with where that is from. */
function withPlace(error: unknown, place: string): unknown {
  if (error instanceof IdentityError && error.code === 'CELL_E_UNTRUSTED') {
    return new IdentityError(error.code, cannotJoin(place, error.message), { cause: error });
  }
  if (error instanceof CellError && (error.code === 'CELL_E_UNAUTHENTICATED' || error.code === 'CELL_E_FORBIDDEN')) {
    return new CellError(error.code, cannotJoin(place, error.message), { cause: error });
  }
  return error;
}

function cannotJoin(place: string, why: string): string {
  return `This machine can't join with the token from ${place}: ${why}`;
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    const onAbort = () => {
      cancel();
      reject(stopped());
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

function stopped(): CellError {
  return new CellError('CELL_E_STOPPED', 'The machine was told to stop before it was made a member');
}
