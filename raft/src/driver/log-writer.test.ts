import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Entry, Message } from '../core/index.ts';
import { MemoryLogStore, StorageError } from '../storage/index.ts';
import { type LogWrite, LogWriter, merge } from './log-writer.ts';
import { SmallStore } from './testing/small-store.ts';
import { conf } from './testing/test-cluster.ts';

function write(entries: readonly Entry[], term: number): LogWrite {
  return { entries, hardState: { term, vote: 0, commit: 1 }, snapshot: undefined, sync: true, responses: [] };
}

test('merged writes leave the same log as one after the other', async () => {
  const step = fc.record({ back: fc.nat(12), count: fc.nat(5) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
      const one = new MemoryLogStore({ bootstrap: conf(1) });
      const merged = new MemoryLogStore({ bootstrap: conf(1) });
      const base = [2, 3, 4, 5].map((index) => ({ index, term: 1, type: 'normal' as const, data: new Uint8Array(1) }));
      for (const store of [one, merged]) await store.append({ entries: base, hardState: undefined, sync: true });
      const writes: LogWrite[] = [];
      for (const [i, { back, count }] of steps.entries()) {
        const first = Math.max(2, one.lastIndex() + 1 - back);
        const term = i + 2;
        const entries = Array.from({ length: count }, (_, at) => ({ ...(base[0] as Entry), index: first + at, term }));
        writes.push(write(entries, term));
        await one.append(writes.at(-1) as LogWrite);
      }
      await merged.append(merge(writes));
      expect(merged.lastIndex()).toBe(one.lastIndex());
      for (let index = 2; index <= one.lastIndex(); index += 1) expect(merged.term(index)).toBe(one.term(index));
      expect(merged.hardState).toEqual(one.hardState);
    }),
  );
});

test('without room, what is stored and about to be replaced is not taken for committed', async () => {
  const store = new SmallStore(conf(1));
  const entry = (index: number, term: number): Entry => ({ index, term, type: 'normal', data: new Uint8Array(1) });
  const old = [entry(2, 1), entry(3, 1), entry(4, 1)];
  await store.append({ entries: old, hardState: { term: 1, vote: 0, commit: 2 }, sync: true });
  store.full = true;
  const writer = new LogWriter({
    store,
    restore: async () => undefined,
    deliver: () => undefined,
    onError: (error) => {
      throw error;
    },
  });
  // A later leader's entries from index 3 on, which are committed as far as index 4.
  writer.submit({ ...write([entry(3, 2), entry(4, 2)], 2), hardState: { term: 2, vote: 0, commit: 4 } });
  await writer.stop();
  expect(store.term(4)).toBe(1);
  expect(store.hardState).toEqual({ term: 2, vote: 0, commit: 2 });
});

test('a promise without anything to store waits for the writes before it', async () => {
  const delivered: string[] = [];
  let release = (): void => undefined;
  const store = new MemoryLogStore({ bootstrap: conf(1) });
  store.append = () =>
    new Promise((resolve) => {
      release = resolve;
    });
  const writer = new LogWriter({
    store,
    restore: async () => undefined,
    deliver: (responses) => delivered.push(...responses.map(({ type }) => type)),
    onError: (error) => {
      throw error;
    },
  });
  const respond = (type: Message['type']) => [{ type } as Message];
  writer.submit({ ...write([], 5), responses: respond('vote-response') });
  writer.submit({ ...write([], 5), hardState: undefined, responses: respond('append-response') });
  await nextTurn();
  expect(delivered).toEqual([]);
  release();
  await nextTurn();
  expect(delivered).toEqual(['vote-response', 'append-response']);
});

test('what is committed behind a snapshot is stored as such only together with its entries', async () => {
  const stored: string[] = [];
  const store = new MemoryLogStore({ bootstrap: conf(1) });
  store.installSnapshot = async ({ meta }, hardState) => void stored.push(`${meta.index} commit ${hardState?.commit}`);
  store.append = async ({ entries, hardState }) => void stored.push(`+${entries.length} commit ${hardState?.commit}`);
  const writer = new LogWriter({
    store,
    restore: async () => undefined,
    deliver: () => undefined,
    onError: (error) => {
      throw error;
    },
  });
  const snapshot = { meta: { index: 7, term: 2, conf: conf(1) }, data: new Uint8Array(0) };
  const entries = [{ index: 8, term: 2, type: 'normal' as const, data: new Uint8Array(1) }];
  writer.submit({ ...write(entries, 2), hardState: { term: 2, vote: 0, commit: 8 }, snapshot });
  await nextTurn();
  expect(stored).toEqual(['7 commit 7', '+1 commit 8']);
});

test('a received snapshot that finds no room is tried when room is looked for, not without a pause', async () => {
  const store = new MemoryLogStore({ bootstrap: conf(1) });
  let attempts = 0;
  let full = true;
  store.installSnapshot = async () => {
    attempts += 1;
    if (full) throw new StorageError('CELL_E_DISK_FULL', 'Disk is full');
  };
  const delivered: string[] = [];
  const holding: boolean[] = [];
  const writer: LogWriter = new LogWriter({
    store,
    restore: async () => undefined,
    deliver: (responses) => delivered.push(...responses.map(({ type }) => type)),
    // As a driver does, which looks for room as soon as a write found none.
    onHolding: (now) => {
      holding.push(now);
      if (now) setImmediate(() => writer.retry());
    },
    onError: (error) => {
      throw error;
    },
  });
  const snapshot = { meta: { index: 7, term: 2, conf: conf(1) }, data: new Uint8Array(0) };
  writer.submit({ ...write([], 2), snapshot, responses: [{ type: 'append-response' } as Message] });
  for (let turn = 0; turn < 20; turn += 1) await nextTurn();
  expect([attempts, holding]).toEqual([2, [true]]);
  writer.retry();
  await nextTurn();
  expect([attempts, writer.installing, delivered]).toEqual([3, true, []]);
  full = false;
  writer.retry();
  await nextTurn();
  expect([attempts, writer.installing, delivered]).toEqual([4, false, ['append-response']]);
  expect(holding).toEqual([true, false]);
});

test('the word that a snapshot is in force outlives that its entries find no room', async () => {
  const store = new SmallStore(conf(1));
  store.installSnapshot = async ({ meta }) => store.replaceAll(meta);
  const delivered: Message[] = [];
  const writer = new LogWriter({
    store,
    restore: async () => undefined,
    deliver: (responses) => delivered.push(...responses),
    onError: (error) => {
      throw error;
    },
  });
  store.full = true;
  const snapshot = { meta: { index: 7, term: 2, conf: conf(1) }, data: new Uint8Array(0) };
  const entry = (index: number): Entry => ({ index, term: 2, type: 'normal', data: new Uint8Array(1) });
  const stored = (index: number) => ({ type: 'storage-append-response', index }) as Message;
  writer.submit({ ...write([entry(8)], 2), snapshot, responses: [{ ...stored(8), snapshot }] });
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  writer.submit({ ...write([entry(9)], 2), responses: [stored(9)] });
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  expect(store.lastIndex()).toBe(7);
  store.full = false;
  writer.retry();
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  expect(store.lastIndex()).toBe(9);
  const words = delivered.filter(({ type }) => type === 'storage-append-response');
  expect(words.some((word) => word.snapshot === snapshot)).toBe(true);
  expect(words.at(-1)?.index).toBe(9);
});
