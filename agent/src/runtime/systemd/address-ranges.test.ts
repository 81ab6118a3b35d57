import { expect, test } from 'vitest';
import { addressRanges } from './address-ranges.ts';

/** "FAMILY HEX/BITS" */
const shown = (text: string): string[] =>
  addressRanges(text).map(([family, bytes, bits]) => `${family} ${Buffer.from(bytes).toString('hex')}/${bits}`);

test.each<[string, string[]]>([
  ['any', ['2 00000000/0', '10 00000000000000000000000000000000/0']],
  ['localhost', ['2 7f000000/8', '10 00000000000000000000000000000001/128']],
  ['link-local', ['2 a9fe0000/16', '10 fe800000000000000000000000000000/64']],
  ['multicast', ['2 e0000000/4', '10 ff000000000000000000000000000000/8']],
  ['10.1.2.3', ['2 0a010203/32']],
  ['10.0.0.0/8', ['2 0a000000/8']],
  ['2001:db8::1', ['10 20010db8000000000000000000000001/128']],
  ['2001:db8:1:2:3:4:5:6/64', ['10 20010db8000100020003000400050006/64']],
  ['1::', ['10 00010000000000000000000000000000/128']],
  ['::ffff:10.0.0.1/96', ['10 00000000000000000000ffff0a000001/96']],
])('addressRanges() reads "%s"', (text, expected) => {
  expect(shown(text)).toEqual(expected);
});

test.each(['', 'nowhere', '10.0.0.0/33', '::/129', '10.0.0/8', '1.2.3.4/x', '1.2.3.4/-1', '1.2.3.4/'])(
  'addressRanges() refuses "%s"',
  (text) => {
    expect(() => addressRanges(text)).toThrow(`Could not read "${text}" as a range of network addresses`);
  },
);
