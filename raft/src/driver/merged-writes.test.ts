import { expect, test } from 'vitest';
import type { LogWrite } from './log-writer.ts';
import { merge } from './log-writer.ts';

const NOTHING: LogWrite = { entries: [], hardState: undefined, snapshot: undefined, sync: false, responses: [] };
const vote: LogWrite = { ...NOTHING, hardState: { term: 3, vote: 2, commit: 1 }, sync: true };
const commit: LogWrite = { ...NOTHING, hardState: { term: 3, vote: 2, commit: 4 } };

test('a write that needs a sync gets it, whatever shares the write with it and in whichever order', () => {
  expect(merge([vote, commit]).sync).toBe(true);
  expect(merge([commit, vote]).sync).toBe(true);
  expect(merge([commit, commit]).sync).toBe(false);
});

test('of several hard states the last one is written', () => {
  expect(merge([vote, commit, NOTHING]).hardState).toEqual(commit.hardState);
});
