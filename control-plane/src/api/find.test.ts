import { beforeEach, expect, test } from 'vitest';
import { addJob, addNode, place } from '../execute/testing/example-fleet.ts';
import { MemoryConsensus } from '../execute/testing/memory-consensus.ts';
import { findAllocation, findJob, findNode } from './find.ts';

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
