import { expect, test } from 'vitest';
import { quote } from './quote.ts';

test.each([
  { bytes: [0x70, 0x6c, 0x61, 0x69, 0x6e], text: '"plain"' },
  { bytes: [0x22, 0x5c, 0x0a, 0x09], text: '"\\"\\\\\\n\\t"' },
  { bytes: [0x00, 0x1f, 0x7f], text: '"\\x00\\x1f\\x7f"' },
  { bytes: [0xc3, 0xa9], text: '"é"' },
  { bytes: [0x61, 0xff], text: '"a\\xff"' },
])('quote() gives $text', ({ bytes, text }) => {
  expect(quote(new Uint8Array(bytes))).toBe(text);
});
