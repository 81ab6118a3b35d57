/** Limits on streams, over gRPC: a stream whose caller says too much is not read any further. */
import { makeToken, secretHash, tokenText } from '@cell/identity';
import { CommandService, methodDefinition, type SubmitCommandsResponse } from '@cell/proto';
import { Metadata } from '@grpc/grpc-js';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { Access } from '../access/index.ts';
import { silentLog } from '../execute/testing/example-fleet.ts';
import { exampleAuthority } from '../state/testing/identity-arbitraries.ts';
import { PaperMember, wallClock } from './testing/paper-member.ts';

const MUCH = 1_000_000;
/** So slow that nothing more comes while the test runs. */
const NEVER = 0.000_001;
const CHANGES = 20;

async function startMember(callsPerSecond: number) {
  const registry = new Registry();
  const limits = { callsPerSecond, callsBurst: 5, messagesPerSecond: MUCH, messagesBurst: MUCH };
  const access = new Access({
    clock: wallClock,
    log: silentLog,
    registry,
    connection: () => ({ address: '10.0.0.9', subject: undefined, authorityId: '', expiresAtMs: 0 }),
    limits: { ...limits, failuresPerMinute: 1, failuresBurst: 1, joinsPerMinute: 1, joinsBurst: 1 },
    renewExpiredWithinMs: 0,
  });
  const member = await PaperMember.start(access);
  onTestFinished(() => {
    access.stop();
    member.stop();
  });
  const token = makeToken('access', 'ab'.repeat(32));
  const row = { id: token.id, name: 'root', role: 'admin', secretHash: secretHash(token.secret) } as const;
  const free = { namespace: undefined, expiresAtMs: undefined, usesLeft: undefined, createdBy: 'test' };
  const authority = exampleAuthority('a1');
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority, tokens: [{ ...row, ...free }] });
  access.follow(member.consensus);
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${tokenText(token)}`);
  const { path, requestSerialize, responseDeserialize } = methodDefinition(CommandService.method.submitCommands);
  const stream = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  let answered = 0;
  stream.on('data', ({ outcomes }: SubmitCommandsResponse) => {
    answered += outcomes.length;
  });
  stream.on('error', () => {});
  const say = () => {
    const stop = { case: 'stopJob', value: { name: 'nothing' } } as const;
    stream.write({ commands: Array.from({ length: CHANGES }, (_, id) => ({ id: BigInt(id), command: stop })) });
  };
  const delayed = async () => (await registry.getSingleMetric('cell_stream_messages_delayed_total')?.get())?.values;
  return { say, end: () => stream.end(), answered: () => answered, delayed, stream };
}

test('changes that come when their caller has none left wait, and those before them are answered', async () => {
  const { say, answered, delayed, stream } = await startMember(NEVER);
  say();
  await expect.poll(answered).toBe(CHANGES);
  say();
  say();
  await expect.poll(delayed).toMatchObject([{ value: 1 }]);
  expect(answered()).toBe(CHANGES);
  stream.cancel();
});

test('what waited is carried out later, also when the caller has said all by then', async () => {
  const { say, end, answered, delayed, stream } = await startMember(400);
  const ended = new Promise((resolve) => {
    stream.on('end', resolve);
  });
  for (let times = 0; times < 5; times += 1) say();
  end();
  await ended;
  expect(answered()).toBe(5 * CHANGES);
  expect(await delayed()).toHaveLength(1);
});
