import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Message } from '../core/types.ts';
import { contiguousEntries, message } from './codec-arbitraries.ts';
import { CodecError } from './codec-error.ts';
import { decodeMessages, encodeMessages } from './message-batch.ts';

const plain: Message = {
  type: 'heartbeat',
  to: 2,
  from: 1,
  term: 3,
  logTerm: 0,
  index: 0,
  entries: [],
  commit: 0,
  vote: 0,
  snapshot: undefined,
  reject: false,
  rejectHint: 0,
  context: new Uint8Array(0),
  responses: [],
};

test('a batch of messages comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), (messages) => {
      expect(decodeMessages(encodeMessages(messages))).toEqual(messages);
    }),
  );
});

test('a batch decoded from the middle of a larger Buffer comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 3 }), fc.nat(20), (messages, before) => {
      const encoded = encodeMessages(messages);
      const surrounding = Buffer.alloc(before + encoded.length + 7, 0xff);
      surrounding.set(encoded, before);
      expect(decodeMessages(surrounding.subarray(before, before + encoded.length))).toEqual(messages);
    }),
  );
});

test('every shorter prefix of a batch is refused with a coded error', () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 3 }), (messages) => {
      const encoded = encodeMessages(messages);
      for (let length = 0; length < encoded.length; length += 1) {
        expect(() => decodeMessages(encoded.slice(0, length))).toThrow(CodecError);
      }
    }),
    { numRuns: 30 },
  );
});

test('random bytes give messages or a coded error, never anything else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, versioned) => {
      if (versioned && bytes.length > 0) bytes[0] = 1;
      onlyCodedErrors(() => decodeMessages(bytes));
    }),
    { numRuns: 2000 },
  );
});

test('a batch with one changed byte gives messages or a coded error, and what it gives encodes again', () => {
  const change = fc.tuple(
    fc.array(message, { minLength: 1, maxLength: 3 }),
    fc.nat(),
    fc.integer({ min: 1, max: 255 }),
  );
  fc.assert(
    fc.property(change, ([messages, place, flip]) => {
      const encoded = encodeMessages(messages);
      const at = place % encoded.length;
      encoded[at] = (encoded[at] as number) ^ flip;
      const decoded = onlyCodedErrors(() => decodeMessages(encoded));
      if (decoded !== undefined) expect(decodeMessages(encodeMessages(decoded))).toEqual(decoded);
    }),
    { numRuns: 1000 },
  );
});

test('a huge count is refused before anything of that size is allocated', () => {
  const counts = [
    [1, 0xff, 0xff, 0xff, 0x7f],
    [1, 0xff, 0xff, 0x03],
    [1, 1, 2, 0x02, 1, 1, 1, 0xff, 0xff, 0x3c],
  ];
  for (const bytes of counts) expect(() => decodeMessages(Uint8Array.from(bytes))).toThrow(CodecError);
});

test('bytes behind the last message are refused', () => {
  const encoded = encodeMessages([plain]);
  const longer = new Uint8Array(encoded.length + 1);
  longer.set(encoded);
  expect(() => decodeMessages(longer)).toThrow(expect.objectContaining({ code: 'malformed' }));
});

test('another format version is refused by name', () => {
  const encoded = encodeMessages([plain]);
  encoded[0] = 2;
  expect(() => decodeMessages(encoded)).toThrow(expect.objectContaining({ code: 'unsupported-version' }));
});

test('a message that is local to its process is not encoded', () => {
  const local = expect.objectContaining({ code: 'local-message' });
  expect(() => encodeMessages([{ ...plain, type: 'storage-append' }])).toThrow(local);
  expect(() => encodeMessages([{ ...plain, responses: [plain] }])).toThrow(local);
});

test('a run of entries takes two bytes of overhead each', () => {
  const entries = Array.from({ length: 100 }, (_, i) => ({
    term: 7,
    index: 1_000_000 + i,
    type: 'normal' as const,
    data: new Uint8Array(50),
  }));
  expect(encodeMessages([{ ...plain, type: 'append', entries }]).length).toBeLessThan(100 * 52 + 32);
});

test('a heartbeat takes no more than ten bytes', () => {
  expect(encodeMessages([{ ...plain, commit: 90_000 }]).length).toBeLessThanOrEqual(10);
});

test('what was encoded is not touched by the next encoding', () => {
  fc.assert(
    fc.property(contiguousEntries, contiguousEntries, (one, two) => {
      const first = encodeMessages([{ ...plain, type: 'append', entries: one }]);
      const copy = first.slice();
      encodeMessages([{ ...plain, type: 'append', entries: two }]);
      expect(first).toEqual(copy);
    }),
    { numRuns: 20 },
  );
});

function onlyCodedErrors<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
