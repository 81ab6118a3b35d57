/** Makes bad inputs of good ones. */
import type { FuzzTarget } from './fuzz-target.ts';
import type { Random } from './random.ts';

/** Of what is made. */
export const INPUT_BYTES_MAX = 64 * 1024;
const STEPS_MAX = 4;
const RUN_LENGTHS = [1, 2, 7, 64, 255, 256, 4_096, 20_000];
const DEPTHS = [2, 30, 500, 8_000];

type Mutation = (input: Buffer, random: Random, other: Buffer) => Buffer;

/** One input, of one seed and a few changes one after the other. */
export function mutate(seeds: readonly Uint8Array[], form: FuzzTarget['form'], random: Random): Buffer {
  const mutations = form === 'text' ? [...ANY, ...TEXT, ...TEXT] : [...ANY, ...BINARY];
  let input: Buffer = Buffer.from(random.pick(seeds));
  const steps = 1 + random.below(STEPS_MAX);
  for (let step = 0; step < steps; step += 1) {
    const other = Buffer.from(random.pick(seeds));
    input = random.pick(mutations)(input, random, other).subarray(0, INPUT_BYTES_MAX);
  }
  return input;
}

const flipBit: Mutation = (input, random) => {
  if (input.length === 0) return input;
  const at = random.below(input.length);
  input[at] = input[at]! ^ (1 << random.below(8));
  return input;
};

const setByte: Mutation = (input, random) => {
  if (input.length > 0)
    input[random.below(input.length)] = random.pick([0, 1, 0x7f, 0x80, 0xc0, 0xfe, 0xff, 0x22, 0x0a]);
  return input;
};

const cutOff: Mutation = (input, random) => input.subarray(0, random.below(input.length + 1));

const takeOut: Mutation = (input, random) => {
  const [start, end] = range(input, random);
  return Buffer.concat([input.subarray(0, start), input.subarray(end)]);
};

const repeat: Mutation = (input, random) => {
  const [start, end] = range(input, random);
  return insert(input, Buffer.concat([input.subarray(start, end), input.subarray(start, end)]), end);
};

/** The beginning of one and the end of another. */
const splice: Mutation = (input, random, other) =>
  Buffer.concat([input.subarray(0, random.below(input.length + 1)), other.subarray(random.below(other.length + 1))]);

const longRun: Mutation = (input, random) =>
  insert(input, Buffer.alloc(random.pick(RUN_LENGTHS), random.below(256)), random.below(input.length + 1));

const ANY: readonly Mutation[] = [flipBit, flipBit, setByte, cutOff, takeOut, repeat, splice, longRun];

/** Lengths and counts as they are written: varints, and fixed sizes in both orders. */
const NUMBERS: readonly Buffer[] = [
  [0x80, 0x80, 0x80, 0x80, 0x08],
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0x00, 0x00, 0x00, 0x00],
  [0xff, 0xff, 0xff, 0x7f],
  [0x7f, 0xff, 0xff, 0xff],
  [0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00],
  [0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
].map((bytes) => Buffer.from(bytes));

const putNumber: Mutation = (input, random) => insert(input, random.pick(NUMBERS), random.below(input.length + 1));

const overwriteNumber: Mutation = (input, random) => {
  const number = random.pick(NUMBERS);
  const at = random.below(input.length + 1);
  return Buffer.concat([input.subarray(0, at), number, input.subarray(at + number.length)]);
};

/** Groups in groups of protobuf; sequences in sequences of DER. */
const nestBinary: Mutation = (input, random) =>
  insert(
    input,
    Buffer.alloc(random.pick(DEPTHS), random.pick([0x0b, 0x0a, 0x30, 0x7b])),
    random.below(input.length + 1),
  );

const BINARY: readonly Mutation[] = [putNumber, overwriteNumber, overwriteNumber, nestBinary];

const WORDS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  'then',
  '1e999',
  '-1e999',
  '9007199254740993',
  '-1',
  '0',
  '0.1',
  '1e-400',
  'nan',
  'inf',
  '0x7fffffffffffffff',
  '99999999999999999999999999',
  'null',
  'true',
  '[]',
  '{}',
  '""',
  "'",
  '"""',
  "'''",
  '\\',
  '\\u0000',
  '\\ud800',
  '\0',
  '\u2028',
  '﻿',
  '😀',
  '́',
  '\r',
  '\n',
  '	',
  '=',
  '.',
  ',',
  ':',
  '[',
  ']',
  '{',
  '}',
  '#',
  '1979-05-27T07:32:00Z',
  '99:99:99',
  '/../',
  '%00',
  '::ffff:127.0.0.1',
  '[::1]:0',
  '0.0.0.0/33',
  '127.0.0.1:65536',
];
const INVALID_UTF8 = [[0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0xe2, 0x82]].map((bytes) =>
  Buffer.from(bytes),
);
const WORD = /[\w.+-]+/g;

const putWord: Mutation = (input, random) =>
  insert(input, Buffer.from(random.pick(WORDS)), random.below(input.length + 1));

/** In the place of a word or a number. */
const replaceWord: Mutation = (input, random, other) => {
  const text = input.toString('latin1');
  const found = [...text.matchAll(WORD)];
  if (found.length === 0) return input;
  const { index, 0: word } = random.pick(found);
  const others = other.toString('latin1').match(WORD) ?? WORDS;
  const replacement = random.once(2) ? random.pick(WORDS) : random.pick(others);
  return Buffer.concat([input.subarray(0, index), Buffer.from(replacement), input.subarray(index + word.length)]);
};

const putInvalidUtf8: Mutation = (input, random) =>
  insert(input, random.pick(INVALID_UTF8), random.below(input.length + 1));

const nestText: Mutation = (input, random) => {
  const depth = random.pick(DEPTHS);
  const [open, close] = random.pick([
    ['[', ']'],
    ['{a=', '}'],
    ['{"a":', '}'],
    ['a.', ''],
  ] as const);
  const nested = open.repeat(depth) + (random.once(3) ? '' : close.repeat(depth));
  return insert(input, Buffer.from(nested), random.below(input.length + 1));
};

const TEXT: readonly Mutation[] = [putWord, replaceWord, replaceWord, putInvalidUtf8, nestText];

function range(input: Buffer, random: Random): [start: number, end: number] {
  const start = random.below(input.length + 1);
  return [start, start + random.below(Math.min(input.length - start, 200) + 1)];
}

function insert(input: Buffer, part: Uint8Array, at: number): Buffer {
  return Buffer.concat([input.subarray(0, at), part, input.subarray(at)]);
}
