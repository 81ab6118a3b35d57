import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import type { Random } from './random.ts';

const DEPTH_MAX = 6;
const ITEMS = [0, 1, 1, 2, 3, 40];
const REPEATED_MAX = 3;

/** Texts that are right somewhere, and such as are right nowhere. */
const TEXTS = [
  '',
  'web',
  'default',
  'team-a',
  'n1',
  '127.0.0.1:80',
  '/usr/bin/true',
  'SIGTERM',
  'admin',
  '0'.repeat(32),
  '__proto__',
  'constructor',
  'toString',
  'then',
  '\0',
  '😀',
  '\u2028',
  '../../etc/passwd',
  '%s',
  '-',
  'a\nb',
  'x'.repeat(64),
  'x'.repeat(300),
  // Cut to any even length, half a character is left.
  `a${'😀'.repeat(600)}`,
  'é'.repeat(5e3),
  'x'.repeat(1e5),
  '1e999',
  'cell:member:1',
  'cell:node:__proto__',
];
const NUMBERS = [0n, 1n, 2n, 3n, 80n, 65_535n, 65_536n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n];
const WIDE_NUMBERS = [...NUMBERS, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
const BYTES = [0, 1, 12, 31, 32, 33, 91, 200, 3_000];

/** A message as it crosses the wire: sound protobuf, whose fields hold anything that their types can. */
export function randomMessage(random: Random, message: DescMessage, depth = 0): Buffer {
  const { fields } = message;
  // One at times; at others nearly all.
  const chosen = random.once(2) && fields.length > 0 ? [random.pick(fields)] : fields.filter(() => !random.once(4));
  return Buffer.concat(chosen.flatMap((field) => fieldBytes(random, field, depth)));
}

function fieldBytes(random: Random, field: DescField, depth: number): Buffer[] {
  if (field.fieldKind === 'list' || field.fieldKind === 'map') {
    const items = Math.min(random.pick(ITEMS), depth > 1 ? REPEATED_MAX : Number.POSITIVE_INFINITY);
    return Array.from({ length: items }, () => itemBytes(random, field, depth));
  }
  return [itemBytes(random, field, depth)];
}

function itemBytes(random: Random, field: DescField, depth: number): Buffer {
  const { number } = field;
  if (field.fieldKind === 'map') {
    const entry = [scalarBytes(random, 1, field.mapKey), valueBytes(random, 2, field, depth)];
    return lengthDelimited(number, Buffer.concat(entry));
  }
  return valueBytes(random, number, field, depth);
}

function valueBytes(random: Random, number: number, field: DescField, depth: number): Buffer {
  if (field.message !== undefined) {
    const inner = depth < DEPTH_MAX ? randomMessage(random, field.message, depth + 1) : Buffer.alloc(0);
    return lengthDelimited(number, inner);
  }
  return scalarBytes(random, number, field.scalar ?? ScalarType.INT32);
}

function scalarBytes(random: Random, number: number, type: ScalarType): Buffer {
  switch (type) {
    case ScalarType.STRING:
      return lengthDelimited(number, Buffer.from(random.pick(TEXTS)));
    case ScalarType.BYTES:
      return lengthDelimited(number, Buffer.alloc(random.pick(BYTES), random.below(256)));
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return Buffer.concat([tag(number, 1), Buffer.alloc(8, random.pick([0, 0x7f, 0xff]))]);
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return Buffer.concat([tag(number, 5), Buffer.alloc(4, random.pick([0, 0x7f, 0xff]))]);
    default:
      // Of 32 bits too: readers take the lower ones.
      return Buffer.concat([tag(number, 0), varint(random.pick(random.once(2) ? WIDE_NUMBERS : NUMBERS))]);
  }
}

function lengthDelimited(number: number, content: Buffer): Buffer {
  return Buffer.concat([tag(number, 2), varint(BigInt(content.length)), content]);
}

function tag(number: number, wireType: number): Buffer {
  return varint(BigInt(number * 8 + wireType));
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}
