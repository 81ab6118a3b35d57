import { EventEmitter } from 'node:events';
import { expect, test, vi } from 'vitest';
import type { CellError } from './cell-error.ts';
import type { Caller } from './ports.ts';
import { RequestIntake } from './request-intake.ts';

const limits = { strangerBytesMax: 100, requestMsMax: 30_000, unfinishedBytesMax: 1_000 };
const nobody: Caller = { kind: 'nobody' };
const node: Caller = { kind: 'node', id: 'n1', expired: false };
const person: Caller = {
  kind: 'person',
  tokenId: 'aaaaaaaaaa',
  name: 'ann',
  role: 'viewer',
  namespace: undefined,
  certificateExpiresAtMs: undefined,
};

/** A request of that caller, and what came of it. */
function coming(intake: RequestIntake, caller: Caller) {
  const stream = new EventEmitter();
  const said: string[] = [];
  intake.watch(stream, { caller, ended: (code) => void said.push(code) }, ({ message }: CellError) =>
    said.push(message),
  );
  const send = (length: number) => stream.emit('data', new Uint8Array(length));
  return { stream, said, send };
}

test('a stranger may say what is needed to join, and a little more is refused', () => {
  const intake = new RequestIntake(limits);
  const short = coming(intake, nobody);
  short.send(60);
  short.send(40);
  const long = coming(intake, nobody);
  long.send(60);
  long.send(41);
  long.send(1_000);
  expect(short.said).toEqual([]);
  expect(long.said).toEqual(['CELL_E_LIMIT', expect.stringMatching(/more than the 100 bytes/)]);
});

test.each([person, node])('requests of one caller that are not complete share what there is: $kind', (caller) => {
  const intake = new RequestIntake(limits);
  const [first, second, other] = [coming(intake, caller), coming(intake, caller), coming(intake, nobody)];
  first.send(600);
  second.send(400);
  expect(second.said).toEqual([]);
  second.send(1);
  other.send(50);
  expect([first.said, second.said, other.said]).toEqual([[], ['CELL_E_LIMIT', expect.any(String)], []]);
});

test.each(['end', 'close'] as const)('what is complete, or broken off, counts no more: %s', (event) => {
  const intake = new RequestIntake(limits);
  for (let each = 0; each < 5; each += 1) {
    const request = coming(intake, person);
    request.send(900);
    request.stream.emit(event);
    request.stream.emit('close');
    expect(request.said).toEqual([]);
  }
  expect(intake.size).toBe(0);
});

test('a request that is not complete in time is refused, and one that is, is not', () => {
  vi.useFakeTimers();
  try {
    const intake = new RequestIntake(limits);
    const [slow, whole] = [coming(intake, person), coming(intake, person)];
    slow.send(1);
    whole.send(1);
    whole.stream.emit('end');
    vi.advanceTimersByTime(29_999);
    expect(slow.said).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(slow.said).toEqual(['CELL_E_TIMEOUT', expect.stringMatching(/after 30 s/)]);
    expect(whole.said).toEqual([]);
    expect(intake.size).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test('members say to each other what they like', () => {
  const intake = new RequestIntake(limits);
  const request = coming(intake, { kind: 'member', id: 2 });
  request.send(10_000);
  expect(request.said).toEqual([]);
});
