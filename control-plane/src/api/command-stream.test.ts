import { EventEmitter, once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import {
  CommandService,
  methodDefinition,
  type Outgoing,
  SubmitCommandsRequestSchema,
  type SubmitCommandsResponse,
  type SubmittedCommand,
} from '@cell/proto';
import { Metadata, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { silentLog } from '../execute/testing/example-fleet.ts';
import { type Answered, CommandStream, unansweredMax } from './command-stream.ts';
import { PaperMember } from './testing/paper-member.ts';

const mark = (sequence: number) =>
  ({ case: 'writeMark', value: { drillId: 'd', sequence: BigInt(sequence) } }) as const;
const written: Answered = { case: 'writeMark', value: { index: 1n } };

/** The call as the stream sees it. */
class PaperCall extends EventEmitter {
  reading = true;
  /** What `write` says. */
  takesMore = true;
  readonly answered: (readonly bigint[])[] = [];

  pause() {
    this.reading = false;
    return this;
  }
  resume() {
    this.reading = true;
    return this;
  }
  write({ outcomes }: { outcomes: readonly { id?: bigint }[] }) {
    this.answered.push(outcomes.map(({ id }) => id ?? 0n));
    return this.takesMore;
  }
  commands(first: number, count: number) {
    const ids = Array.from({ length: count }, (_, place) => first + place);
    const commands = ids.map((id) => ({ id: BigInt(id), command: mark(id) }));
    this.emit('data', create(SubmitCommandsRequestSchema, { commands }));
  }
}

function openStream(carryOut: (command: SubmittedCommand) => Promise<Answered>) {
  const call = new PaperCall();
  return { call, stream: new CommandStream(call as never, { carryOut, log: silentLog }) };
}

/** Carries nothing out until it is told to. */
function heldStream() {
  const held: (() => void)[] = [];
  const opened = openStream(() => {
    const { promise, resolve } = Promise.withResolvers<Answered>();
    held.push(() => resolve(written));
    return promise;
  });
  return { ...opened, held };
}

const turn = () => setImmediate();

test('commands that are carried out together are answered in one message', async () => {
  const { call, held } = heldStream();
  call.commands(1, 5);
  for (const release of held.slice(1, 4)) release();
  await turn();
  held[0]?.();
  await turn();
  expect(call.answered).toEqual([[2n, 3n, 4n], [1n]]);
});

test('a stream with too many unanswered commands is read again once some are answered', async () => {
  const { call, held } = heldStream();
  call.commands(1, unansweredMax - 1);
  expect(call.reading).toBe(true);
  call.commands(unansweredMax, 1);
  expect(call.reading).toBe(false);
  held[7]?.();
  await turn();
  expect(call.reading).toBe(true);
});

test('a caller that does not take its answers is not read until it does', async () => {
  const { call } = openStream(async () => written);
  call.takesMore = false;
  call.commands(1, 1);
  await turn();
  expect(call.reading).toBe(false);
  call.emit('drain');
  expect(call.reading).toBe(true);
});

test('the stream ends when the caller has ended its side and all is answered', async () => {
  const { call, stream, held } = heldStream();
  let ended = false;
  void stream.ended.then(() => {
    ended = true;
  });
  call.commands(1, 2);
  call.emit('end');
  held[0]?.();
  await turn();
  expect(ended).toBe(false);
  held[1]?.();
  await turn();
  expect(ended).toBe(true);
});

test('a message with too many commands ends the stream with its reason', async () => {
  const { call, stream, held } = heldStream();
  call.commands(1, 1_025);
  await expect(stream.ended).rejects.toMatchObject({ code: 'CELL_E_LIMIT', message: expect.stringMatching(/1025/) });
  expect(held).toHaveLength(0);
});

test('an error that is not ours to explain tells an id and nothing else', async () => {
  const call = new PaperCall();
  const seen: unknown[] = [];
  call.write = ({ outcomes }) => {
    seen.push(...outcomes);
    return true;
  };
  const carryOut = () => Promise.reject(new Error('the secret inside'));
  new CommandStream(call as never, { carryOut, log: silentLog });
  call.commands(9, 1);
  await turn();
  const message = expect.stringMatching(/^The control plane failed; its log tells why under error id/);
  expect(seen).toEqual([{ id: 9n, outcome: { case: 'refusal', value: { code: 'CELL_E_INTERNAL', message } } }]);
});

let member: PaperMember;

beforeEach(async () => {
  member = await PaperMember.start();
});

afterEach(() => member.stop());

/** Sends one message and ends; gives all answers by id, as text, and how the call ended. */
async function submit(request: Outgoing<typeof SubmitCommandsRequestSchema>) {
  const { path, requestSerialize, responseDeserialize } = methodDefinition(CommandService.method.submitCommands);
  const call = member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
  const answers: Record<string, string> = {};
  call.on('data', ({ outcomes }: SubmitCommandsResponse) => {
    for (const { id, outcome } of outcomes) {
      const code = outcome.case === 'refusal' ? ` ${outcome.value.code}` : '';
      answers[String(id)] = `${outcome.case}${code}`;
    }
  });
  call.on('error', () => {});
  const ended = once(call, 'status') as Promise<[{ readonly code: number }]>;
  call.write(request);
  call.end();
  const [{ code }] = await ended;
  return { code, answers };
}

test('each command of a stream is answered by its id, refused ones with their code', async () => {
  const { code, answers } = await submit({
    commands: [
      { id: 5n, command: mark(0) },
      { id: 6n, command: { case: 'stopJob', value: { name: 'nope' } } },
      { id: 7n, command: { case: 'submitJob', value: {} } },
      { id: 8n },
      { id: 9n, command: { case: 'writeMark', value: { drillId: 'd', sequence: 1n, padding: 'x'.repeat(65_537) } } },
    ],
  });
  expect(answers).toEqual({
    5: 'writeMark',
    6: 'refusal CELL_E_NOT_FOUND',
    7: 'refusal CELL_E_INVALID',
    8: 'refusal CELL_E_INVALID',
    9: 'refusal CELL_E_LIMIT',
  });
  expect(code).toBe(status.OK);
  expect(member.consensus.state.drills.get('d')?.ranges).toEqual([[0, 0]]);
});

test('without a leader each command says that nothing was written', async () => {
  member.consensus.submit = () => Promise.reject(new CellError('CELL_E_NO_LEADER', 'nobody'));
  const { answers } = await submit({ commands: [{ id: 1n, command: mark(0) }] });
  expect(answers).toEqual({ 1: 'refusal CELL_E_NO_LEADER' });
});
