import { expect, test } from 'vitest';
import { makeWave, samplesOf } from './wave-file.ts';

const sound = { samplesPerSecond: 8000, durationSeconds: 0.5, toneHertz: 440, seed: 7 };

test('a wave file has a header that says how long it is, and all its samples', () => {
  const file = makeWave(sound);
  expect(file.length).toBe(44 + 8000 * 0.5 * 4);
  expect(file.readUInt32LE(4)).toBe(file.length - 8);
  expect(samplesOf(file).equals(file.subarray(44))).toBe(true);
});

test('sounds of other seeds differ, and the same one is the same again', () => {
  expect(makeWave(sound).equals(makeWave(sound))).toBe(true);
  expect(makeWave(sound).equals(makeWave({ ...sound, seed: 8 }))).toBe(false);
});

test('samples are found behind other chunks, also behind one of odd length', () => {
  const file = makeWave(sound);
  const odd = Buffer.from('LIST\x03\0\0\0abc\0', 'latin1');
  const longer = Buffer.concat([file.subarray(0, 36), odd, file.subarray(36)]);
  expect(samplesOf(longer).equals(samplesOf(file))).toBe(true);
});

test.each([
  ['text', Buffer.from('no wave file at all')],
  ['a wave file that ends after its header', makeWave(sound).subarray(0, 36)],
])('%s is refused', (_what, file) => {
  expect(() => samplesOf(file)).toThrow(RangeError);
});
