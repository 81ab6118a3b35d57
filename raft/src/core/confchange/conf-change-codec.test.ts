import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CoreError } from '../core-error.ts';
import type { ConfChange, ConfChangeSingle } from '../types.ts';
import { decodeConfChange, encodeConfChange, LEAVE_JOINT } from './conf-change-codec.ts';

const change: fc.Arbitrary<ConfChange> = fc.record({
  transition: fc.constantFrom<ConfChange['transition'][]>('auto', 'joint-implicit', 'joint-explicit'),
  changes: fc.array(
    fc.record({
      type: fc.constantFrom<ConfChangeSingle['type'][]>('add-voter', 'add-learner', 'remove', 'update'),
      node: fc.maxSafeNat(),
    }),
    { maxLength: 8 },
  ),
  context: fc.uint8Array({ maxLength: 40 }),
});

test('a change comes back from its bytes as it was', () => {
  fc.assert(
    fc.property(change, (value) => {
      expect(decodeConfChange(encodeConfChange(value))).toEqual(value);
    }),
  );
});

test('bytes come back also from the middle of a larger buffer', () => {
  const value: ConfChange = {
    transition: 'auto',
    changes: [{ type: 'remove', node: 2 ** 40 }],
    context: new Uint8Array([1]),
  };
  const bytes = encodeConfChange(value);
  const larger = new Uint8Array(bytes.length + 10);
  larger.set(bytes, 3);
  expect(decodeConfChange(larger.subarray(3, 3 + bytes.length))).toEqual(value);
});

test('the change that leaves a joint configuration is no bytes at all', () => {
  expect(encodeConfChange(LEAVE_JOINT)).toHaveLength(0);
  expect(decodeConfChange(new Uint8Array(0))).toEqual(LEAVE_JOINT);
});

test('damaged bytes give a change or a coded error, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        decodeConfChange(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(CoreError);
        expect((error as CoreError).code).toBe('conf-change-malformed');
      }
    }),
  );
});

test.each([
  { why: 'cut', bytes: [1, 0] },
  { why: 'of another version', bytes: [2, 0, 0, 0] },
  { why: 'with an unknown transition', bytes: [1, 3, 0, 0] },
  { why: 'short of a change', bytes: [1, 0, 0, 1, 0, 0, 0] },
  { why: 'with an unknown type', bytes: [1, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 1] },
  { why: 'with too large an id', bytes: [1, 0, 0, 1, 0, 255, 255, 255, 255, 255, 255, 255, 255] },
])('bytes $why are refused', ({ bytes }) => {
  expect(() => decodeConfChange(new Uint8Array(bytes))).toThrow(
    expect.objectContaining({ code: 'conf-change-malformed' }),
  );
});
