import { beforeEach, expect, test } from 'vitest';
import { addJob, addNode, place } from '../execute/testing/example-fleet.ts';
import { MemoryConsensus } from '../execute/testing/memory-consensus.ts';
import { exampleJoin, exampleJoinToken } from '../state/testing/identity-arbitraries.ts';
import { findAllocation, findJob, findJoined, findNode } from './find.ts';

let consensus: MemoryConsensus;

beforeEach(() => {
  consensus = new MemoryConsensus();
  addNode(consensus, 'alpha');
  addNode(consensus, 'alpine');
  addJob(consensus, 'web', 9);
  for (let instance = 0; instance < 7; instance += 1) place(consensus, 'web', instance, 'alpha');
});

test('a node is found by its name, its id and the unique beginning of its id', () => {
  expect(findNode(consensus.state, 'alpha').id).toBe('alpha');
  expect(findNode(consensus.state, 'alph').id).toBe('alpha');
  expect(findNode(consensus.state, 'ALPI').id).toBe('alpine');
});

test('an allocation is found by the beginning of its id in upper and lower case', () => {
  expect(findAllocation(consensus.state, 'WEB-3-ALPHA').instance).toBe(3);
  expect(findAllocation(consensus.state, 'web-4').instance).toBe(4);
});

test('a machine that has joined and is no node is found by its id where that is looked for', () => {
  const { nodeIdentities } = consensus.state;
  const join = (nodeId: string, name: string) =>
    consensus.write({ kind: 'join-node', timeMs: 0, node: exampleJoin({ nodeId, name, keyHash: nodeId }) });
  consensus.write({ kind: 'create-token', timeMs: 0, token: exampleJoinToken({ id: 'j1', usesLeft: 9 }) });
  join('replaced-1', 'alpha');
  join('gamma', 'alpine');
  expect([...nodeIdentities.keys()]).toEqual(['replaced-1', 'gamma']);
  expect(() => findNode(consensus.state, 'gamma')).toThrow(expect.objectContaining({ code: 'CELL_E_NOT_FOUND' }));
  expect(findJoined(consensus.state, 'gamma')).toEqual({ id: 'gamma', name: 'alpine' });
  expect(findJoined(consensus.state, 'repl')).toEqual({ id: 'replaced-1', name: 'alpha' });
  // A name is that of the node that has it now.
  expect(findJoined(consensus.state, 'alpha').id).toBe('alpha');
  expect(() => findJoined(consensus.state, 'delta')).toThrow(expect.objectContaining({ code: 'CELL_E_NOT_FOUND' }));
});

test('a node that is called as another one has its id is not taken for it', () => {
  const inventory = consensus.state.nodes.get('alpha')!.inventory;
  const node = { id: 'liar', name: 'n-1', inventory, agentVersion: '1', httpAddress: '' };
  consensus.write({ kind: 'register-node', timeMs: 0, ...node, id: 'n-1', name: 'honest' });
  consensus.write({ kind: 'register-node', timeMs: 0, ...node });
  for (const find of [findNode, findJoined]) {
    expect(() => find(consensus.state, 'n-1')).toThrow(expect.objectContaining({ code: 'CELL_E_AMBIGUOUS' }));
    expect(find(consensus.state, 'honest').id).toBe('n-1');
    expect(find(consensus.state, 'liar').id).toBe('liar');
  }
});

const refusals: [string, () => unknown, string, RegExp][] = [
  [
    'an ambiguous node',
    () => findNode(consensus.state, 'alp'),
    'CELL_E_AMBIGUOUS',
    /alpha \(alpha\), alpine \(alpine\); type/,
  ],
  [
    'many candidates',
    () => findAllocation(consensus.state, 'web'),
    'CELL_E_AMBIGUOUS',
    /WEB-4-ALPHA \(web\) and more; type/,
  ],
  [
    'an unknown node',
    () => findNode(consensus.state, 'beta'),
    'CELL_E_NOT_FOUND',
    /no node "beta"; "cellctl node list"/,
  ],
  ['an unknown allocation', () => findAllocation(consensus.state, 'x'), 'CELL_E_NOT_FOUND', /no allocation "x"/],
  ['an unknown job', () => findJob(consensus.state, 'we'), 'CELL_E_NOT_FOUND', /no job "we"/],
  ['a missing node', () => findNode(consensus.state, ''), 'CELL_E_INVALID', /node is missing/],
  ['a missing job', () => findJob(consensus.state, ''), 'CELL_E_INVALID', /job is missing/],
];

test.each(refusals)('%s is refused with what to do', (_what, find, code, message) => {
  expect(find).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
});
