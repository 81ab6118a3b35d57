import { expect, test } from 'vitest';
import { defaultConfig } from './default-config.ts';
import { EMPTY_CONF_STATE, MemoryLog } from './log/memory-log.ts';
import { NO_BYTES } from './message.ts';
import { RawNode } from './raw-node.ts';
import { testEntry } from './testing/cluster.ts';
import type { Config } from './types.ts';

function storedLog(commit: number): MemoryLog {
  const log = new MemoryLog();
  log.applySnapshot({ meta: { index: 5, term: 2, conf: { ...EMPTY_CONF_STATE, voters: [1, 2] } }, data: NO_BYTES });
  log.append([testEntry(2, 6), testEntry(3, 7), testEntry(3, 8)]);
  log.setHardState({ term: 3, vote: 2, commit });
  return log;
}

function start(log: MemoryLog, config: Partial<Config> = {}): RawNode {
  return new RawNode({ ...defaultConfig, random: () => 0, id: 1, log, applied: 5, ...config });
}

test('a member starts as follower with the term, vote and commit index that it stored', () => {
  const node = start(storedLog(7));
  expect(node.basicStatus()).toMatchObject({ role: 'follower', leader: 0, term: 3, vote: 2, commit: 7, applied: 5 });
  expect(node.hasReady()).toBe(true);
  expect(node.ready().committedEntries.map(({ index }) => index)).toEqual([6, 7]);
});

test.each([
  { why: 'committed', commit: 9, applied: 5 },
  { why: 'applied', commit: 8, applied: 9 },
])('a log that ends before what was $why is refused', ({ commit, applied }) => {
  expect(() => start(storedLog(commit), { applied })).toThrow(expect.objectContaining({ code: 'log-lost' }));
});

test.each([
  { id: 0 },
  { id: 1.5 },
  { heartbeatTicks: 0 },
  { electionTicks: 1 },
  { messageSizeMax: 0 },
  { inflightMessagesMax: 0 },
  { uncommittedSizeMax: Number.NaN },
  { inflightBytesMax: 5 },
  { readOnlyOption: 'lease-based' as const, checkQuorum: false },
])('settings that can not work are refused: %j', (config) => {
  expect(() => start(storedLog(5), config)).toThrow(expect.objectContaining({ code: 'invalid-config' }));
});
