import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CellError } from './cell-error.ts';
import type { Caller } from './ports.ts';
import { RequestIntake } from './request-intake.ts';

const limits = { strangerBytesMax: 100, requestMsMax: 30_000, unfinishedBytesMax: 10_000 };
const node: Caller = { kind: 'node', id: 'n1', expired: false };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A stream of that caller, whose handler asks for its first message. */
function streamOf(intake: RequestIntake, caller: Caller = node) {
  const stream = new EventEmitter();
  const said: string[] = [];
  const followed = intake.follow(stream, { caller }, ({ code }: CellError) => said.push(code))!;
  followed?.asked();
  const send = (...parts: Uint8Array[]) => stream.emit('data', Buffer.concat(parts));
  return { stream, said, send, followed };
}

/** A message with that many bytes, or the first of them. */
function message(length: number, sent = length): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(length, 1);
  return Buffer.concat([header, Buffer.alloc(sent, 0xff)]);
}

test('messages that are not complete share the room of their caller, however they are cut', () => {
  const intake = new RequestIntake(limits);
  const [first, second, other] = [streamOf(intake), streamOf(intake), streamOf(intake, { ...node, id: 'n2' })];
  for (const byte of message(1_000_000, 6_000)) first.send(Buffer.of(byte));
  second.send(message(100_000, 4_000));
  other.send(message(100_000, 9_000));
  expect([first.said, second.said, other.said]).toEqual([[], [], []]);
  second.send(Buffer.alloc(1));
  second.send(Buffer.alloc(1_000));
  expect([first.said, second.said, other.said]).toEqual([[], ['CELL_E_LIMIT'], []]);
  second.stream.emit('close');
  first.send(Buffer.alloc(4_000));
  expect(first.said).toEqual([]);
});

test('what the handler has taken counts no more, whatever lies across the pieces that come', () => {
  const intake = new RequestIntake(limits);
  const { said, send, followed, stream } = streamOf(intake);
  for (let each = 0; each < 20; each += 1) {
    const [left, right] = [message(3_000).subarray(0, each), message(3_000).subarray(each)];
    send(message(10), message(4_000), left);
    for (let taken = 0; taken < 2; taken += 1) followed.asked();
    send(right);
    followed.asked();
  }
  expect(said).toEqual([]);
  expect(intake.size).toBe(0);
  stream.emit('close');
});

test('complete messages that nobody takes count, empty ones too', () => {
  const intake = new RequestIntake(limits);
  const [large, empty] = [streamOf(intake), streamOf(intake, { ...node, id: 'n2' })];
  large.send(message(4_000), message(4_000));
  empty.send(...Array.from({ length: 19 }, () => message(0)));
  expect([large.said, empty.said]).toEqual([[], []]);
  large.send(message(4_000));
  empty.send(message(0));
  expect([large.said, empty.said]).toEqual([['CELL_E_LIMIT'], ['CELL_E_LIMIT']]);
});

test('a message that is not complete in time ends its stream, if it is not the handler that is slow', () => {
  const intake = new RequestIntake(limits);
  const [slow, idle, held] = [streamOf(intake), streamOf(intake), streamOf(intake)];
  slow.send(Buffer.of(0));
  idle.send(message(10));
  idle.followed.asked();
  held.send(message(10), message(10, 1));
  vi.advanceTimersByTime(29_999);
  expect(slow.said).toEqual([]);
  vi.advanceTimersByTime(100_000);
  expect([slow.said, idle.said, held.said]).toEqual([['CELL_E_TIMEOUT'], [], []]);
  held.followed.asked();
  vi.advanceTimersByTime(30_000);
  expect(held.said).toEqual(['CELL_E_TIMEOUT']);
});

test('each message has its own time', () => {
  const { said, send, followed } = streamOf(new RequestIntake(limits));
  for (let each = 0; each < 5; each += 1) {
    send(message(10, 5));
    vi.advanceTimersByTime(20_000);
    send(Buffer.alloc(5), message(10, 5));
    followed.asked();
    vi.advanceTimersByTime(20_000);
    send(Buffer.alloc(5));
    followed.asked();
  }
  expect(said).toEqual([]);
});

test('half a message is kept, and counts, after the call was answered until its stream is closed', () => {
  const intake = new RequestIntake(limits);
  const [half, whole] = [streamOf(intake), streamOf(intake)];
  half.send(message(10_000, 8_000));
  whole.send(message(1_000));
  expect([half.followed.answered(), whole.followed.answered()]).toEqual([true, false]);
  const next = streamOf(intake);
  next.send(message(10_000, 2_001));
  expect(next.said).toEqual(['CELL_E_LIMIT']);
  for (const { stream } of [half, whole, next]) stream.emit('close');
  expect(intake.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test('members are not followed', () => {
  expect(streamOf(new RequestIntake(limits), { kind: 'member', id: 2 }).followed).toBeUndefined();
});
