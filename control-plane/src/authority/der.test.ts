import { expect, test } from 'vitest';
import { bitString, integer, objectIdentifier, octetString, sequence, time, truth, utf8String } from './der.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Lengths and values at which X.690 changes its form; each by its own text or by `openssl asn1parse`. */
test('lengths take one byte until 127, and then as many as they need', () => {
  expect(hex(octetString(Buffer.alloc(127)))).toMatch(/^047f(00){127}$/);
  expect(hex(octetString(Buffer.alloc(128)))).toMatch(/^048180(00){128}$/);
  expect(hex(octetString(Buffer.alloc(255)))).toMatch(/^0481ff(00){255}$/);
  expect(hex(octetString(Buffer.alloc(256))).slice(0, 10)).toBe('0482010000');
  expect(hex(octetString(Buffer.alloc(65_536))).slice(0, 10)).toBe('0483010000');
});

test.each([
  [[0], '020100'],
  [[0x7f], '02017f'],
  [[0x80], '02020080'],
  [[0, 0, 0x80], '02020080'],
  [[0, 0, 1, 2], '02020102'],
  [[0xff, 0xff], '020300ffff'],
])('the number %j is as short as it can be, and not negative', (bytes, encoded) => {
  expect(hex(integer(Buffer.from(bytes)))).toBe(encoded);
});

test.each([
  ['1.2.840.10045.4.3.2', '06082a8648ce3d040302'],
  ['2.5.29.17', '0603551d11'],
  ['1.3.6.1.5.5.7.3.1', '06082b06010505070301'],
])('the object %s has its known form', (dotted, encoded) => {
  expect(hex(objectIdentifier(dotted))).toBe(encoded);
});

test('years have two digits until 2049 and four from then on; parts of seconds are left out', () => {
  expect(
    time(Date.UTC(2049, 11, 31, 23, 59, 59, 999))
      .subarray(2)
      .toString(),
  ).toBe('491231235959Z');
  expect(hex(time(Date.UTC(2049, 0, 1))).slice(0, 4)).toBe('170d');
  expect(
    time(Date.UTC(2050, 0, 1))
      .subarray(2)
      .toString(),
  ).toBe('20500101000000Z');
  expect(hex(time(Date.UTC(2050, 0, 1))).slice(0, 4)).toBe('180f');
});

test('what holds others holds them in order', () => {
  expect(hex(sequence(truth(), utf8String('é'), bitString(Buffer.from([0x80]), 7)))).toBe('300b0101ff0c02c3a903020780');
});
