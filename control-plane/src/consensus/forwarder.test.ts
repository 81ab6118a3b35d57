import { expect, test } from 'vitest';
import { CellError, type CellErrorCode } from '../cell-error.ts';
import { FakeClock, settle } from '../execute/testing/fake-clock.ts';
import type { ForwardOutcome } from './forward-outcome.ts';
import { Forwarder } from './forwarder.ts';
import { LeadershipTracker } from './leadership-tracker.ts';

const result = { ok: true, index: 7 } as const;
const bytesOf = (text: string) => Buffer.from(text);

/** This member is 1 and follows. Calls to the leader and barriers stay open until the test answers them. */
function table() {
  const clock = new FakeClock();
  const leadership = new LeadershipTracker();
  const calls: {
    to: number;
    term: number;
    commands: string[];
    answer: PromiseWithResolvers<readonly ForwardOutcome[]>;
  }[] = [];
  const barriers: PromiseWithResolvers<number>[] = [];
  const waits: PromiseWithResolvers<void>[] = [];
  const opened = <T>(list: PromiseWithResolvers<T>[]) => {
    const made = Promise.withResolvers<T>();
    list.push(made);
    return made.promise;
  };
  const forwarder = new Forwarder({
    clock,
    leadership,
    driver: { readBarrier: () => opened(barriers), waitApplied: () => opened(waits) },
    peers: {
      proposeCommands: (to, term, commands) => {
        const answer = Promise.withResolvers<readonly ForwardOutcome[]>();
        calls.push({ to, term, commands: commands.map((bytes) => Buffer.from(bytes).toString()), answer });
        return answer.promise;
      },
    },
  });
  const lead = (leader: number, term: number) =>
    leadership.update({ leader, role: leader === 1 ? 'leader' : 'follower' }, term);
  lead(2, 5);
  const fates: string[] = [];
  const forward = (text: string, timeoutMs = 10_000) =>
    void forwarder.forward(bytesOf(text), timeoutMs).then(
      ({ ok }) => fates.push(`${text} ${ok}`),
      ({ code }: CellError) => fates.push(`${text} ${code}`),
    );
  return { clock, forwarder, calls, barriers, waits, lead, forward, fates };
}

const fail = (code: CellErrorCode) => new CellError(code, 'Failed');

test('what comes in one turn goes out in one call, for the leader and the term that were known', async () => {
  const { calls, lead, forward } = table();
  forward('a');
  forward('b');
  lead(3, 6);
  forward('c');
  await settle();
  expect(calls.map(({ to, term, commands }) => [to, term, ...commands])).toEqual([
    [2, 5, 'a', 'b'],
    [3, 6, 'c'],
  ]);
});

test('a thousand commands at most go in one call', async () => {
  const { calls, forward } = table();
  for (let count = 0; count < 1_001; count += 1) forward(String(count));
  await settle();
  expect(calls.map(({ commands }) => commands.length)).toEqual([1_000, 1]);
});

test('each command resolves once it is applied here, whether the leader has answered or not', async () => {
  const { forwarder, calls, waits, forward, fates } = table();
  forward('a');
  forward('b');
  await settle();
  forwarder.applied(bytesOf('a'), result);
  forwarder.applied(bytesOf('other'), result);
  await settle();
  expect(fates).toEqual(['a true']);
  const written = { index: 7, result: bytesOf('{"ok":true,"index":7}') };
  calls[0]!.answer.resolve([written, written]);
  await settle();
  expect(fates).toEqual(['a true']);
  waits[0]!.resolve();
  await settle();
  expect(fates).toEqual(['a true', 'b true']);
});

test('what is written and not applied here in time is told as written', async () => {
  const { calls, waits, forward, fates } = table();
  forward('a');
  await settle();
  calls[0]!.answer.resolve([{ index: 7, result: bytesOf('{"ok":true}') }]);
  await settle();
  waits[0]!.reject(new Error('Late'));
  await settle();
  expect(fates).toEqual(['a CELL_E_TIMEOUT']);
});

test('a refusal is final for its own command only', async () => {
  const { forwarder, calls, forward, fates } = table();
  forward('a');
  forward('b');
  await settle();
  const unknown = { code: 'CELL_E_OUTCOME_UNKNOWN', message: 'x' } as const;
  calls[0]!.answer.resolve([{ code: 'CELL_E_OVERLOADED', message: 'x' }, unknown]);
  await settle();
  expect(fates).toEqual(['a CELL_E_OVERLOADED']);
  forwarder.applied(bytesOf('b'), result);
  await settle();
  expect(fates).toEqual(['a CELL_E_OVERLOADED', 'b true']);
});

test('when another leader confirms a read, what the old one had written is known, and what it never will write', async () => {
  const { forwarder, barriers, lead, forward, fates } = table();
  forward('a');
  forward('b');
  await settle();
  lead(0, 6);
  expect(barriers.length).toBe(0);
  lead(3, 6);
  expect(barriers.length).toBe(1);
  forward('c');
  forwarder.applied(bytesOf('a'), result);
  await settle();
  expect(fates).toEqual(['a true']);
  barriers[0]!.resolve(9);
  await settle();
  expect(fates).toEqual(['a true', 'b CELL_E_NOT_LEADER']);
});

test('a barrier of a leader that was replaced meanwhile is made again', async () => {
  const { clock, barriers, lead, forward, fates } = table();
  forward('a');
  lead(3, 6);
  barriers[0]!.reject(new Error('No answer'));
  await settle();
  await clock.advance(100);
  expect(barriers.length).toBe(2);
  expect(fates).toEqual([]);
  lead(2, 7);
  barriers[2]!.resolve(9);
  await settle();
  expect(fates).toEqual(['a CELL_E_NOT_LEADER']);
});

test('behind a snapshot nobody can tell', async () => {
  const { forwarder, barriers, lead, forward, fates } = table();
  forward('a');
  forwarder.replaced();
  lead(3, 6);
  barriers[0]!.resolve(9);
  await settle();
  expect(fates).toEqual(['a CELL_E_OUTCOME_UNKNOWN']);
});

test.each(['CELL_E_PEER_UNREACHABLE', 'CELL_E_INTERNAL', 'CELL_E_OUTCOME_UNKNOWN'] as const)(
  'after %s from the leader it may still turn out what came of a command, for a while',
  async (code) => {
    const { clock, forwarder, calls, forward, fates } = table();
    forward('a');
    forward('b');
    await settle();
    calls[0]!.answer.reject(fail(code));
    await settle();
    await clock.advance(2_000);
    forwarder.applied(bytesOf('a'), result);
    await settle();
    expect(fates).toEqual(['a true']);
    await clock.advance(1_500);
    expect(fates).toEqual(['a true', 'b CELL_E_OUTCOME_UNKNOWN']);
  },
);

test('a leader that does not answer in time leaves it open', async () => {
  const { clock, forward, fates } = table();
  forward('a', 500);
  await clock.advance(600);
  expect(fates).toEqual(['a CELL_E_OUTCOME_UNKNOWN']);
});
