import { expect, test } from 'vitest';
import { changedKeys } from './changed-keys.ts';

test('changedKeys() names the keys that differ as the file has them', () => {
  const before = { name: 'a', log: { level: 'info' }, raft: { heartbeat: 50, election: 400 }, members: [{ id: 1 }] };
  expect(changedKeys(before, structuredClone(before))).toEqual([]);
  const after = { ...before, log: { level: 'debug' }, raft: { heartbeat: 60, election: 400 }, members: [{ id: 2 }] };
  expect(changedKeys(before, after)).toEqual(['log.level', 'raft.heartbeat', 'members']);
});

test('changedKeys() sees what came and what went', () => {
  const before = { attributes: { rack: 'a' }, resources: { cpu: undefined } };
  expect(changedKeys(before, { attributes: { disk: 'ssd' }, resources: { cpu: 2 } })).toEqual([
    'attributes.rack',
    'attributes.disk',
    'resources.cpu',
  ]);
});
