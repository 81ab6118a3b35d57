import { expect, test } from 'vitest';
import { EMPTY_CONF_STATE } from '../core/index.ts';
import { valueEntry } from './checks/testing/views.ts';
import { SimulatedDisk } from './disk.ts';
import { Random } from './random.ts';

function entriesWrite(term: number, ...indexes: number[]) {
  return {
    entries: indexes.map((index) => valueEntry(term, index)),
    hardState: { term, vote: 1, commit: 0 },
    snapshot: undefined,
  };
}

/** The ends and terms that crashes of disks like this leave. */
function crashes(tornWrites: boolean): Set<string> {
  const left = new Set<string>();
  for (let seed = 0; seed < 100; seed++) {
    const disk = new SimulatedDisk();
    disk.write(entriesWrite(1, 1, 2));
    disk.sync();
    disk.write(entriesWrite(2, 2, 3, 4));
    expect(disk.log.lastIndex()).toBe(4);
    disk.crash(new Random(seed), tornWrites);
    const { hardState } = disk.log.initialState();
    left.add(`${disk.log.lastIndex()} of term ${disk.log.term(disk.log.lastIndex())}, hard state ${hardState.term}`);
  }
  return left;
}

test('a crash keeps what was synced, and of the rest all or nothing', () => {
  expect([...crashes(false)].sort()).toEqual(['2 of term 1, hard state 1', '4 of term 2, hard state 2']);
});

test('a torn write leaves a beginning of its entries, and never a hard state ahead of them', () => {
  expect([...crashes(true)].sort()).toEqual([
    '2 of term 1, hard state 1',
    '2 of term 2, hard state 1',
    '3 of term 2, hard state 1',
    '4 of term 2, hard state 1',
    '4 of term 2, hard state 2',
  ]);
});

test('what is compacted stays so over a crash, with its snapshot and what the log keeps behind it', () => {
  const disk = new SimulatedDisk();
  disk.write(entriesWrite(1, 1, 2, 3, 4));
  const conf = { ...EMPTY_CONF_STATE, voters: [1, 2] };
  disk.compact(3, conf, new Uint8Array([7]), 1);
  disk.crash(new Random(1), true);
  const { log } = disk;
  expect([log.firstIndex(), log.lastIndex(), log.term(2)]).toEqual([3, 4, 1]);
  expect(log.snapshot()).toEqual({ meta: { index: 3, term: 1, conf }, data: new Uint8Array([7]) });
  expect(log.initialState()).toEqual({ hardState: { term: 1, vote: 1, commit: 0 }, conf });
});
