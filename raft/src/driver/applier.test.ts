import { expect, test } from 'vitest';
import { type Entry, encodeConfChange } from '../core/index.ts';
import { AppliedWaiters } from './applied-waiters.ts';
import { Applier } from './applier.ts';
import { Deadlines } from './deadlines.ts';
import { Proposals } from './proposals.ts';
import { ListMachine } from './testing/list-machine.ts';
import { conf } from './testing/test-cluster.ts';

function setUp() {
  const machine = new ListMachine();
  const changes: number[] = [];
  const applier = new Applier({
    machine,
    proposals: new Proposals(),
    waiters: new AppliedWaiters(10, new Deadlines(50)),
    applyConfChange: (_, index) => {
      changes.push(index);
      return conf(1, 2, index);
    },
    conf: conf(1, 2),
    membershipIndex: 1,
  });
  return { machine, applier, changes };
}

function entry(index: number, text = `item ${index}`): Entry {
  return { index, term: 1, type: 'normal', data: Buffer.from(text) };
}

const addMember = encodeConfChange({
  transition: 'auto',
  changes: [{ type: 'add-voter', node: 9 }],
  context: new Uint8Array(0),
});

function change(index: number): Entry {
  return { index, term: 1, type: 'conf-change', data: addMember };
}

test('a change of membership is applied in its place between the entries', () => {
  const { machine, applier, changes } = setUp();
  applier.apply([entry(11), entry(12, ''), change(13), entry(14), entry(15)]);
  expect(machine.batches).toEqual([1, 2]);
  expect(machine.items).toEqual(['item 11', 'item 14', 'item 15']);
  expect(changes).toEqual([13]);
  expect([applier.applied, applier.membershipIndex, applier.conf.voters]).toEqual([15, 13, [1, 2, 13]]);
});

test('entries and changes that a restored snapshot holds are not applied once more', () => {
  const { machine, applier, changes } = setUp();
  applier.restored({ index: 14, term: 1, conf: conf(4, 5) });
  applier.apply([entry(12), change(13), entry(14), entry(15)]);
  expect(machine.items).toEqual(['item 15']);
  expect(changes).toEqual([]);
  expect([applier.applied, applier.conf.voters]).toEqual([15, [4, 5]]);
});

test('a state machine that gives too few results is found out', () => {
  const { machine, applier } = setUp();
  machine.apply = () => [];
  expect(() => applier.apply([entry(11)])).toThrow('0 results for 1 entries');
});
