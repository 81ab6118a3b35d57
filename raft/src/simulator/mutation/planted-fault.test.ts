import { expect, test } from 'vitest';
import { type Edit, MutationError, type PlantedFault, plant } from './planted-fault.ts';

function faultOf(...edits: Edit[]): PlantedFault {
  return { name: 'a-fault', breaks: 'Something', edits, judge: 'simulation' };
}

test('all edits of one file are made in it, and none of another', () => {
  const fault = faultOf(
    { file: 'a.ts', from: 'one', to: '1' },
    { file: 'a.ts', from: 'two', to: '$&2' },
    { file: 'b.ts', from: 'three', to: '3' },
  );
  expect(plant(fault, 'a.ts', 'one two three')).toBe('1 $&2 three');
});

test.each([
  { source: 'nothing of it', code: 'text-not-found' },
  { source: 'one and one', code: 'text-ambiguous' },
])('a fault that no longer fits the source is refused with $code', ({ source, code }) => {
  const planting = () => plant(faultOf({ file: 'a.ts', from: 'one', to: '1' }), 'a.ts', source);
  expect(planting).toThrow(MutationError);
  expect(planting).toThrow(expect.objectContaining({ code }));
});
