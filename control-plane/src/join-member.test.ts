/** A machine that joins, over real TLS and gRPC; those that answer are made of the same parts as members. */
import { cpSync } from 'node:fs';
import { makeToken, tokenText } from '@cell/identity';
import { type JoinMemberRequest, PeerService, serviceDefinition } from '@cell/proto';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedHandleCall } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Authority, JoinAnswerer } from './authority/index.ts';
import { type MemberMachine, makeMachine, quietLog } from './authority/testing/member-machine.ts';
import { CellError } from './cell-error.ts';
import { toServiceError } from './grpc-error.ts';
import { joinIfNeeded, joinMember } from './join-member.ts';
import { realClock } from './real-clock.ts';

type Answer = (request: JoinMemberRequest) => Promise<unknown>;

const ends: (() => void)[] = [];
let first: MemberMachine;
let joining: MemberMachine;
let authority: Authority;
let token: string;

beforeEach(async () => {
  first = makeMachine(realClock);
  joining = makeMachine(realClock);
  ends.push(first.remove, joining.remove);
  token = (await first.init()).joinToken!;
  authority = await first.open();
});
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end();
});

function answers(): Answer {
  const answerer = new JoinAnswerer({
    places: first.places,
    authority,
    clock: realClock,
    log: quietLog,
    consensus: () => undefined,
  });
  const note = (subject: string) => ({ actor: 'nobody', method: '', subject, from: '127.0.0.1' });
  return (request) => answerer.answer(request, { from: '127.0.0.1', note });
}

/** A member's port for peers; gives its address. */
async function listen(answer: Answer, { own } = authority): Promise<string> {
  const server = new Server();
  const handle = (call: { request: JoinMemberRequest }, reply: (...outcome: unknown[]) => void) => {
    answer(call.request).then(
      (given) => reply(null, given),
      (error: unknown) => reply(toServiceError(error)),
    );
  };
  const handlers = { joinMember: handle as unknown as UntypedHandleCall };
  server.addService(serviceDefinition(PeerService) as unknown as ServiceDefinition, handlers);
  const pair = { private_key: Buffer.from(own.privateKey), cert_chain: Buffer.from(own.chain) };
  const bound = await new Promise<number>((resolve, reject) => {
    const done = (error: Error | null, at: number) => (error === null ? resolve(at) : reject(error));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createSsl(null, [pair], false), done);
  });
  ends.push(() => server.forceShutdown());
  return `127.0.0.1:${bound}`;
}

function parts(addresses: readonly string[], memberId = 2) {
  const members = addresses.map((peers, place) => ({ id: place + 1, grpc: '', peers, http: '' }));
  const told: string[] = [];
  const ending = new AbortController();
  return {
    places: joining.places,
    memberId,
    cluster: 'demo',
    members,
    token: { text: token, place: 'the test' },
    clock: realClock,
    signal: ending.signal,
    waiting: (reason: string) => void told.push(reason),
    told,
    ending,
  };
}

test('a machine becomes a member by the token of init', async () => {
  const address = await listen(answers());
  await joinMember(parts([address, 'not-asked:1']));
  const joined = await joining.open(2);
  expect(joined.trust).toEqual(authority.trust);
  await expect(joinMember(parts([address, 'not-asked:1']))).rejects.toMatchObject({ code: 'CELL_E_CONFLICT' });
});

test('it waits for members that are not there yet, says for whom, and comes once one can answer', async () => {
  let up = false;
  const answer = answers();
  const later: Answer = async (request) => {
    if (up) return answer(request);
    throw new CellError('CELL_E_STARTING', 'This member is not in a cluster yet');
  };
  const waiting = parts(['127.0.0.1:1', 'not-asked:1', await listen(later)]);
  const joined = joinMember(waiting);
  await expect.poll(() => waiting.told.length).toBe(1);
  expect(waiting.told[0]).toMatch(
    /member 1: Cannot reach the control plane at "127\.0\.0\.1:1": .*; member 3: This member is not in a cluster yet$/,
  );
  up = true;
  await joined;
  expect((await joining.open(2)).pin).toBe(authority.pin);
});

test('it goes on to the next member, past those that can not say', async () => {
  const starting = async () => {
    throw new CellError('CELL_E_STARTING', 'This member is not in a cluster yet');
  };
  const addresses = [await listen(starting), 'not-asked:1', await listen(answers())];
  await joinMember(parts(addresses));
  expect((await joining.open(2)).pin).toBe(authority.pin);
});

test('an answer that was lost is asked for again, by the same name', async () => {
  const answer = answers();
  const names = new Set<string>();
  let lost = false;
  const losing: Answer = async (request) => {
    names.add(request.machine);
    const given = await answer(request);
    if (lost) return given;
    lost = true;
    throw new CellError('CELL_E_OUTCOME_UNKNOWN', 'The answer was lost');
  };
  await joinMember(parts([await listen(losing), 'not-asked:1']));
  expect(names.size).toBe(1);
});

test('a clock that is wrong ends it for a person; a daemon waits until it is set', async () => {
  let wrongMs = 10 * 60_000;
  const clock = { ...realClock, wallMs: () => Date.now() + wrongMs };
  const address = await listen(answers());
  const asking = { ...parts([address, 'x:1']), clock };
  await expect(joinMember(asking)).rejects.toMatchObject({
    code: 'CELL_E_CLOCK_SKEW',
    message: expect.stringContaining("about 10 minutes ahead of the control plane's"),
  });
  const joined = joinMember({ ...asking, untilClocksAgree: true });
  await expect.poll(() => asking.told).toEqual([expect.stringMatching(/^Waits for .*about 10 minutes ahead/)]);
  wrongMs = 0;
  await joined;
  expect((await joining.open(2)).pin).toBe(authority.pin);
});

test('somebody in between is told nothing at all', async () => {
  const impostor = makeMachine(realClock);
  ends.push(impostor.remove);
  await impostor.init();
  let asked = 0;
  const listening: Answer = async () => {
    asked += 1;
  };
  const address = await listen(listening, await impostor.open());
  await expect(joinMember(parts([address, 'not-asked:1']))).rejects.toMatchObject({ code: 'CELL_E_UNTRUSTED' });
  expect(asked).toBe(0);
  await expect(joining.open(2)).rejects.toMatchObject({ code: 'CELL_E_NOT_INITIALIZED' });
});

test('what does not pass by itself ends it at once, with what the member said', async () => {
  const address = await listen(answers());
  const other = tokenText(makeToken('join', authority.pin));
  const wrong = { text: other, place: 'the file "/t"' };
  await expect(joinMember({ ...parts([address, 'x:1']), token: wrong })).rejects.toMatchObject({
    code: 'CELL_E_UNAUTHENTICATED',
    message: expect.stringMatching(
      /^This machine can't join with the token from the file "\/t": The token is not known here/,
    ),
  });
  await expect(joinMember({ ...parts([address, 'x:1']), cluster: 'west' })).rejects.toMatchObject({
    code: 'CELL_E_FOREIGN_CLUSTER',
  });
  const seventh = { ...parts([address, 'x:1']), memberId: 7 };
  await expect(joinMember({ ...seventh, members: seventh.members.slice(0, 1) })).rejects.toMatchObject({
    code: 'CELL_E_FORBIDDEN',
  });
  await expect(joinMember({ ...parts([address]), token: { text: 'hello', place: 'x' } })).rejects.toMatchObject({
    code: 'CELL_E_CONFIG',
  });
  await expect(joinMember(parts(['x:1'], 1))).rejects.toMatchObject({ code: 'CELL_E_CONFIG' });
});

test('it can be told to stop while it waits', async () => {
  const waiting = parts(['127.0.0.1:1', 'not-asked:1']);
  const joined = joinMember(waiting);
  await expect.poll(() => waiting.told.length).toBe(1);
  waiting.ending.abort();
  await expect(joined).rejects.toMatchObject({ code: 'CELL_E_STOPPED' });
});

test('at the start of a daemon, it joins only if it has to and can', async () => {
  const address = await listen(answers());
  const never = async () => expect.unreachable('The token is read');
  await joinIfNeeded(parts([address, 'not-asked:1']), async () => undefined);
  await expect(joining.open(2)).rejects.toMatchObject({ code: 'CELL_E_NOT_INITIALIZED' });
  await joinIfNeeded(parts([address, 'not-asked:1']), async () => ({ text: `${token}\n`, place: 'the test' }));
  await joining.open(2);
  await joinIfNeeded(parts([address, 'not-asked:1']), never);
});

test('a folder that was copied needs no joining', async () => {
  cpSync(first.places.folder, joining.places.folder, { recursive: true });
  await joinIfNeeded(parts(['127.0.0.1:1', 'x:1']), async () => ({ text: token, place: 'the test' }));
  expect((await joining.open(2)).pin).toBe(authority.pin);
});
