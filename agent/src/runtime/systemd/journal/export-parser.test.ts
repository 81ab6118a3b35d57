import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExportParser, FIELD_BYTES_MAX, type JournalEntry } from './export-parser.ts';

/** Recorded from journalctl 252: a line, one that ended with NUL, one that is not UTF-8. */
const RECORDED = Buffer.concat([
  Buffer.from(`__CURSOR=s=03e0;i=34;b=54ea;m=58f4dd456;t=660e202a3e1de;x=7348
__REALTIME_TIMESTAMP=1795373683433950
__MONOTONIC_TIMESTAMP=23879078998
_BOOT_ID=54ea67e10dd7447da994b6a05a61680a
MESSAGE=a=b

__CURSOR=s=03e0;i=36;b=54ea;m=58f4dd456;t=660e202a3e1de;x=438c
__REALTIME_TIMESTAMP=1795373683433950
_LINE_BREAK=nul
MESSAGE=noeola

__CURSOR=s=03e0;i=37;b=54ea;m=58f4dd456;t=660e202a3e1de;x=5319
__REALTIME_TIMESTAMP=1795373683434000
MESSAGE
`),
  Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 98, 10, 255, 10, 10]),
]);

function parse(pieces: readonly Uint8Array[]): JournalEntry[] {
  const parser = new ExportParser();
  return pieces.flatMap((piece) => parser.push(piece));
}

function shown(entries: readonly JournalEntry[]): unknown[] {
  return entries.map(({ cursor, atMs, message, lineBreak }) => [cursor.slice(7, 11), atMs, [...message], lineBreak]);
}

const EXPECTED = [
  ['i=34', 1_795_373_683_433.95, [97, 61, 98], ''],
  ['i=36', 1_795_373_683_433.95, [...Buffer.from('noeola')], 'nul'],
  ['i=37', 1_795_373_683_434, [98, 10, 255], ''],
];

test('ExportParser reads text, values with a size, and why a line ends', () => {
  expect(shown(parse([RECORDED]))).toEqual(EXPECTED);
});

test('ExportParser reads the same however its input is cut', () => {
  const cuts = fc.array(fc.integer({ min: 0, max: RECORDED.length }), { maxLength: 20 });
  fc.assert(
    fc.property(cuts, (unsorted) => {
      const places = [0, ...unsorted.sort((left, right) => left - right), RECORDED.length];
      const pieces = places.slice(1).map((end, index) => RECORDED.subarray(places[index], end));
      expect(shown(parse(pieces))).toEqual(EXPECTED);
    }),
  );
});

test.each(['text', 'sized'])(
  'ExportParser keeps the beginning of a %s value without bounds, and what follows it',
  (form) => {
    const long = Buffer.alloc(FIELD_BYTES_MAX * 3, 120);
    const size = Buffer.alloc(8);
    size.writeBigUInt64LE(BigInt(long.length));
    const begin = form === 'text' ? [Buffer.from('MESSAGE=')] : [Buffer.from('MESSAGE\n'), size];
    const input = Buffer.concat([...begin, long, Buffer.from('\n__CURSOR=c1\n\n__CURSOR=c2\nMESSAGE=next\n\n')]);
    const pieces = Array.from({ length: Math.ceil(input.length / 65_536) }, (_, index) =>
      input.subarray(index * 65_536, (index + 1) * 65_536),
    );
    const entries = parse(pieces);
    expect(entries.map(({ cursor }) => cursor)).toEqual(['c1', 'c2']);
    const kept = entries[0]!.message;
    expect(kept.length).toBeGreaterThan(FIELD_BYTES_MAX - 100);
    expect(kept.length).toBeLessThanOrEqual(FIELD_BYTES_MAX);
    expect(kept.every((byte) => byte === 120)).toBe(true);
    expect(Buffer.from(entries[1]!.message).toString()).toBe('next');
  },
);
