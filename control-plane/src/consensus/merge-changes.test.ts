import { expect, test } from 'vitest';
import type { StateChange } from '../state/fleet-state.ts';
import { mergeChanges } from './merge-changes.ts';

function change(index: number, rows: Record<string, unknown>): StateChange {
  const lists = { nodes: [], removedNodes: [], jobs: [], allocations: [], removedAllocations: [] };
  const none = { ...lists, members: [], events: [], tokens: [], nodeIdentities: [], authorities: false };
  return { ...none, ...rows, index };
}

test('of a row that changed several times the newest is told, and events stay in order', () => {
  const merged = mergeChanges([
    change(5, {
      nodes: [{ id: 'n', status: 'lost' }],
      jobs: [{ name: 'j', version: 1 }],
      members: [{ id: 1, status: 'invited' }, { id: 2 }],
      events: ['a'],
    }),
    change(6, {
      nodes: [{ id: 'n', status: 'ready' }],
      jobs: [{ name: 'j', version: 2 }, { name: 'k' }],
      members: [{ id: 1, status: 'member' }],
      events: ['b', 'c'],
    }),
  ]);
  expect(merged).toEqual(
    change(6, {
      nodes: [{ id: 'n', status: 'ready' }],
      jobs: [{ name: 'j', version: 2 }, { name: 'k' }],
      members: [{ id: 1, status: 'member' }, { id: 2 }],
      events: ['a', 'b', 'c'],
    }),
  );
});

test('a row that was put and then removed is removed, and one removed and put again is put', () => {
  const merged = mergeChanges([
    change(5, { allocations: [{ id: 'gone' }], removedNodes: [{ id: 'back' }] }),
    change(6, { removedAllocations: [{ id: 'gone' }], nodes: [{ id: 'back' }] }),
  ]);
  expect(merged).toEqual(change(6, { removedAllocations: [{ id: 'gone' }], nodes: [{ id: 'back' }] }));
});

test('tokens, identities and authorities that changed anywhere in a batch are told once', () => {
  const merged = mergeChanges([
    change(5, { tokens: ['t1', 't2'], nodeIdentities: [{ nodeId: 'n', tokenId: 'a' }], authorities: true }),
    change(6, { tokens: ['t2'], nodeIdentities: [{ nodeId: 'n', tokenId: 'b' }, { nodeId: 'm' }] }),
  ]);
  const nodeIdentities = [{ nodeId: 'n', tokenId: 'b' }, { nodeId: 'm' }];
  expect(merged).toEqual(change(6, { tokens: ['t1', 't2'], nodeIdentities, authorities: true }));
});

test.each([{ tokens: ['t1'] }, { nodeIdentities: [{ nodeId: 'n' }] }, { authorities: true }])(
  'a batch in which only %o changed tells it',
  (rows) => {
    expect(mergeChanges([change(7, rows), change(8, {})])).toEqual(change(8, rows));
  },
);

test('a batch of one is told as it is', () => {
  const single = change(7, { events: ['a'] });
  expect(mergeChanges([single])).toBe(single);
});

test('a batch in which at most one command changed rows is told at the index of its last', () => {
  const rows = { removedAllocations: [{ id: 'gone' }] };
  expect(mergeChanges([change(7, {}), change(8, rows), change(9, {})])).toEqual(change(9, rows));
  expect(mergeChanges([change(7, {}), change(8, {})])).toEqual(change(8, {}));
});
