import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { makeToken, parseToken, secretHash, tokenText } from '@cell/identity';
import { JoinMemberRequestSchema } from '@cell/proto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { FakeClock } from '../execute/testing/fake-clock.ts';
import type { TokenRow } from '../model/identity.ts';
import type { Command, CommandResult } from '../state/commands.ts';
import { JoinAnswerer, type JoinAnswerParts } from './answer-join.ts';
import type { Authority } from './authority.ts';
import type { Initialized } from './initialize.ts';
import { keepMembership } from './keep-membership.ts';
import { DAY_MS, type MemberMachine, makeMachine, quietLog, rowsOf } from './testing/member-machine.ts';

const MACHINE = 'a'.repeat(32);
const CALL = {
  from: '10.0.0.2',
  note: (subject: string) => ({ actor: 'nobody', method: 'PeerService/JoinMember', subject, from: '10.0.0.2' }),
};

let clock: FakeClock;
let machine: MemberMachine;
let authority: Authority;
let made: Initialized;

beforeEach(async () => {
  clock = new FakeClock();
  machine = makeMachine(clock);
  made = await machine.init();
  authority = await machine.open();
});
afterEach(() => machine.remove());

function answerer(consensus?: ReturnType<JoinAnswerParts['consensus']>): JoinAnswerer {
  return new JoinAnswerer({ places: machine.places, authority, clock, log: quietLog, consensus: () => consensus });
}

interface Asking {
  /** A number, or its digits if it is a large one. */
  readonly id?: number | string;
  readonly token?: string;
  readonly cluster?: string;
  readonly machine?: string;
}

function ask(
  by: JoinAnswerer,
  { id = 2, token = made.joinToken!, cluster = 'demo', machine: name = MACHINE }: Asking = {},
) {
  const request = create(JoinMemberRequestSchema, { token, memberId: BigInt(id), cluster, machine: name });
  return by.answer(request, CALL);
}

async function refusal(by: JoinAnswerer, asking: Asking): Promise<string> {
  const error = await ask(by, asking).then(
    () => new CellError('CELL_E_INTERNAL', 'answered'),
    (each: CellError) => each,
  );
  expect(error.message).not.toContain(parseToken(made.joinToken!, 'join').secret);
  return error.code;
}

/** The state of a cluster that is founded, with one token, and what it says of the command. */
function founded(row: Partial<TokenRow>, result: CommandResult = { ok: true, index: 7 }) {
  const token = makeToken('join', made.pin);
  const tokens = new Map<string, unknown>();
  const commands: Command[] = [];
  const known = { id: token.id, name: 'more', role: 'control-plane', secretHash: secretHash(token.secret), ...row };
  const consensus = {
    state: {
      authorities: rowsOf(authority.genesis.authority),
      tokens,
      members: new Map([[4, { id: 4, status: 'invited' }]]),
    },
    // What this member lacks, it has afterwards.
    readBarrier: async () => void tokens.set(token.id, known),
    submit: async (command: Command) => {
      commands.push(command);
      return result;
    },
  };
  return { answers: answerer(consensus as never), text: tokenText(token), token, commands };
}

test('before there is a cluster, each founding machine gets what makes it a member', async () => {
  const by = answerer();
  for (const id of [2, 3]) {
    const { keys, genesis } = (await ask(by, { id, machine: `${MACHINE}${id}` })) as never as {
      keys: { id: string; key: Uint8Array; createdAtMs: bigint }[];
      genesis: Uint8Array;
    };
    const other = makeMachine(clock);
    const given = { keys: keys.map((key) => ({ ...key, createdAtMs: Number(key.createdAtMs) })), genesis };
    await keepMembership(other.places, given, { cluster: 'demo', pin: made.pin });
    const joined = await other.open(id);
    expect(joined.trust).toEqual(authority.trust);
    expect(joined.genesis).toEqual(authority.genesis);
    other.remove();
  }
});

test('an id is for the machine that came first, also after a restart; that one may ask again', async () => {
  await ask(answerer());
  await ask(answerer());
  expect(await refusal(answerer(), { machine: 'b'.repeat(32) })).toBe('CELL_E_CONFLICT');
  await ask(answerer(), { id: 3, machine: 'b'.repeat(32) });
});

test('once the authority or the key was changed, the founding token gives nothing, also before the state is read', async () => {
  await ask(answerer());
  const next = await authority.successor();
  const rows = rowsOf(authority.genesis.authority, next.authority);
  await authority.follow(rows, 9);
  const restarted = answerer();
  expect(await refusal(restarted, {})).toBe('CELL_E_STARTING');
});

test('of two machines that come at once as the same member, one gets it', async () => {
  const by = answerer();
  const outcomes = await Promise.all(['b', 'c', 'd', 'e'].map((name) => refusal(by, { machine: name.repeat(32) })));
  expect(outcomes.sort()).toEqual(['CELL_E_CONFLICT', 'CELL_E_CONFLICT', 'CELL_E_CONFLICT', 'CELL_E_INTERNAL']);
});

test('a token that is not the one of init is refused, however near it is', async () => {
  const token = parseToken(made.joinToken!, 'join');
  const by = answerer();
  const other = makeToken('join', made.pin);
  expect(await refusal(by, { token: tokenText({ ...token, secret: other.secret }) })).toBe('CELL_E_UNAUTHENTICATED');
  expect(await refusal(by, { token: tokenText({ ...token, id: other.id }) })).toBe('CELL_E_UNAUTHENTICATED');
  expect(await refusal(by, { token: made.adminToken })).toBe('CELL_E_UNAUTHENTICATED');
  expect(await refusal(by, { token: made.joinToken!.slice(0, -1) })).toBe('CELL_E_UNAUTHENTICATED');
  expect(await refusal(by, { token: '' })).toBe('CELL_E_UNAUTHENTICATED');
});

test.each([
  [{ id: 1 }, 'CELL_E_FORBIDDEN'],
  [{ id: 4 }, 'CELL_E_FORBIDDEN'],
  [{ id: 0 }, 'CELL_E_INVALID'],
  [{ id: '9223372036854775808' }, 'CELL_E_INVALID'],
  [{ cluster: 'other' }, 'CELL_E_FOREIGN_CLUSTER'],
  [{ cluster: '' }, 'CELL_E_FOREIGN_CLUSTER'],
  [{ machine: '' }, 'CELL_E_INVALID'],
  [{ machine: '../../etc/passwd-is-long-enough' }, 'CELL_E_INVALID'],
  [{ machine: 'a'.repeat(65) }, 'CELL_E_INVALID'],
])('who asks with %j is refused with %s', async (asking, code) => {
  expect(await refusal(answerer(), asking)).toBe(code);
});

test('the token of init ends after a day', async () => {
  await clock.advance(DAY_MS - 1);
  await ask(answerer());
  await clock.advance(1);
  expect(await refusal(answerer(), { id: 3 })).toBe('CELL_E_FORBIDDEN');
});

test('a founding member that was not set up with init lets others answer', async () => {
  const other = makeMachine(clock);
  const { keys, genesis } = await ask(answerer());
  const given = { keys: keys!.map((key) => ({ ...key, createdAtMs: 0 })), genesis: genesis! };
  await keepMembership(other.places, given as never, { cluster: 'demo', pin: made.pin });
  const parts = {
    places: other.places,
    authority: await other.open(2),
    clock,
    log: quietLog,
    consensus: () => undefined,
  };
  expect(await refusal(new JoinAnswerer(parts), { id: 3 })).toBe('CELL_E_STARTING');
  other.remove();
});

test('in a cluster, the state decides, and the audit log gets who asked with what', async () => {
  const { answers, text, token, commands } = founded({});
  await ask(answers, { id: 4, token: text });
  expect(commands).toMatchObject([
    {
      kind: 'join-member',
      tokenId: token.id,
      id: 4,
      timeMs: clock.wallMs(),
      audit: { subject: `member/4 by token/more (${token.id})`, from: '10.0.0.2' },
    },
  ]);
  expect(JSON.stringify(commands)).not.toContain(token.secret);
});

test('in a cluster, the token of init is over, and a wrong secret is told as an unknown token', async () => {
  const { answers, token, commands } = founded({});
  expect(await refusal(answers, { id: 2 })).toBe('CELL_E_UNAUTHENTICATED');
  const guessed = tokenText({ ...token, secret: makeToken('join', made.pin).secret });
  expect(await refusal(answers, { id: 4, token: guessed })).toBe('CELL_E_UNAUTHENTICATED');
  expect(commands).toEqual([]);
});

test('what the state refuses is told as it says it, and nothing is given', async () => {
  const { answers, text } = founded({}, { ok: false, code: 'CELL_E_NOT_FOUND', message: 'Member 4 is not invited' });
  expect(await refusal(answers, { id: 4, token: text })).toBe('CELL_E_NOT_FOUND');
});

test('who asks before the state would let him in is told so, and no command brings an entry for each attempt', async () => {
  const { answers, text, commands } = founded({});
  for (let attempt = 0; attempt < 3; attempt += 1) {
    expect(await refusal(answers, { id: 5, token: text })).toBe('CELL_E_NOT_FOUND');
  }
  for (const row of [{ usesLeft: 0 }, { expiresAtMs: clock.wallMs() }, { role: 'agent' }] as const) {
    const over = founded(row);
    expect(await refusal(over.answers, { id: 4, token: over.text })).toBe('CELL_E_FORBIDDEN');
    expect(over.commands).toEqual([]);
  }
  expect(commands).toEqual([]);
});

test('what was given is noted before it is given', async () => {
  const giving = ask(answerer());
  await giving;
  const { given } = JSON.parse(readFileSync(join(machine.places.folder, 'invitations.json'), 'utf8'));
  expect(given).toEqual({ 2: MACHINE, 3: '' });
});
