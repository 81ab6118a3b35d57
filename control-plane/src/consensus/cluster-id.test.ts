import { expect, test } from 'vitest';
import { clusterIdOf } from './cluster-id.ts';

const members = [1, 2, 3].map((id) => ({ id, grpc: `h${id}:7600`, peers: `h${id}:7601`, http: `h${id}:7602` }));

test('founders come to the same id whatever the order of their list and their other addresses', () => {
  const other = members.map((member) => ({ ...member, http: 'elsewhere:1' })).reverse();
  expect(clusterIdOf('demo', other)).toBe(clusterIdOf('demo', members));
  expect(clusterIdOf('demo', members)).toMatch(/^[0-9a-f]{16}$/);
});

test('another name, another founder or another address of a founder makes another cluster', () => {
  const moved = members.map((member) => (member.id === 2 ? { ...member, peers: 'h9:7601' } : member));
  const renumbered = members.map((member) => (member.id === 2 ? { ...member, id: 4 } : member));
  const ids = [
    clusterIdOf('demo', members),
    clusterIdOf('prod', members),
    clusterIdOf('demo', moved),
    clusterIdOf('demo', renumbered),
    clusterIdOf('demo', members.slice(1)),
  ];
  expect(new Set(ids).size).toBe(ids.length);
});

test('the id never changes from one version to the next, since data folders carry it', () => {
  expect(clusterIdOf('demo', members)).toBe('29d77567b69a0dac');
});
