import { expect, test } from 'vitest';
import type { Entry } from '../core/index.ts';
import { RaftError } from './ports.ts';
import { Proposals } from './proposals.ts';

function entry(index: number, term: number): Entry {
  return { index, term, type: 'normal', data: new Uint8Array(1) };
}

test('a chunk that is refused rejects its own callers and no others', async () => {
  const proposals = new Proposals();
  const small = Array.from({ length: 3 }, () => proposals.add(new Uint8Array(300 * 1024)));
  let calls = 0;
  proposals.flush((data) => {
    calls += 1;
    if (calls === 2) throw new RaftError('overloaded', 'Too much');
    return { term: 1, index: 10 * calls + data.length };
  });
  expect(calls).toBe(3);
  proposals.applied(entry(11, 1), 'first');
  proposals.applied(entry(31, 1), 'third');
  const results = await Promise.allSettled(small);
  expect(results.map((one) => (one.status === 'fulfilled' ? one.value.result : one.reason.code))).toEqual([
    'first',
    'overloaded',
    'third',
  ]);
});

test('behind an entry of a later term nothing of an earlier one is committed any more, and its callers hear so', async () => {
  const proposals = new Proposals();
  const proposing = Array.from({ length: 3 }, () => proposals.add(new Uint8Array(1)));
  proposals.flush(() => ({ term: 3, index: 7 }));
  const later = proposals.add(new Uint8Array(1));
  proposals.flush(() => ({ term: 5, index: 12 }));
  proposals.applied(entry(7, 3), 'mine');
  proposals.applied(entry(8, 4), 'not mine');
  const settled = await Promise.allSettled(proposing);
  expect(settled.map((one) => (one.status === 'fulfilled' ? one.value.result : one.reason.code))).toEqual([
    'mine',
    'not-leader',
    'not-leader',
  ]);
  proposals.applied(entry(12, 5), 'later');
  expect(await later).toEqual({ index: 12, result: 'later' });
  expect(proposals.hasAppended).toBe(false);
});

test('a snapshot beyond the entry leaves the outcome unknown', async () => {
  const proposals = new Proposals();
  const proposing = [proposals.add(new Uint8Array(1)), proposals.add(new Uint8Array(1))];
  proposals.flush(() => ({ term: 3, index: 7 }));
  proposals.coveredBySnapshot(7);
  proposals.applied(entry(8, 3), 'second');
  await expect(proposing[0]).rejects.toMatchObject({ code: 'outcome-unknown' });
  expect(await proposing[1]).toEqual({ index: 8, result: 'second' });
});

test('giving up on one term leaves a later one alone', async () => {
  const proposals = new Proposals();
  const old = proposals.add(new Uint8Array(1));
  proposals.flush(() => ({ term: 3, index: 7 }));
  const own = proposals.add(new Uint8Array(1));
  proposals.flush(() => ({ term: 5, index: 8 }));
  proposals.giveUp(3);
  proposals.applied(entry(8, 5), 'later');
  await expect(old).rejects.toMatchObject({ code: 'outcome-unknown' });
  expect(await own).toEqual({ index: 8, result: 'later' });
});

test('a change of membership in the place of an older proposal leaves nobody waiting for ever', async () => {
  const proposals = new Proposals();
  const old = proposals.add(new Uint8Array(1));
  proposals.flush(() => ({ term: 3, index: 7 }));
  // Leadership was lost and won again, and what others wrote meanwhile took that place.
  const change = proposals.track({ term: 5, index: 7 });
  await expect(old).rejects.toMatchObject({ code: 'outcome-unknown' });
  proposals.applied(entry(7, 5), 'changed');
  expect(await change).toEqual({ index: 7, result: 'changed' });
});
