/** Generators of valid values for property tests (fast-check). */

import type { Arbitrary } from 'fast-check';
import fc from 'fast-check';
import type { ConfState, Entry, Message, MessageType, Snapshot } from '../core/types.ts';

export const WIRE_TYPES: readonly MessageType[] = [
  'propose',
  'append',
  'append-response',
  'vote',
  'vote-response',
  'snapshot',
  'heartbeat',
  'heartbeat-response',
  'transfer-leader',
  'timeout-now',
  'read-index',
  'read-index-response',
  'append-received',
  'pre-vote',
  'pre-vote-response',
];

/** Small numbers mostly, with the edges of every encoded length and of 32 bits. */
export const safeInteger: Arbitrary<number> = fc.oneof(
  fc.nat(300),
  fc.constantFrom(127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 49, 2 ** 53 - 1),
  fc.maxSafeNat(),
);

const bytes = fc.uint8Array({ maxLength: 40 });

export const entry: Arbitrary<Entry> = fc.record({
  term: safeInteger,
  index: safeInteger,
  type: fc.constantFrom('normal' as const, 'conf-change' as const),
  data: bytes,
});

/** As in an append: one behind the other, terms never falling. */
export const contiguousEntries: Arbitrary<Entry[]> = fc
  .tuple(fc.nat(1000), fc.array(fc.tuple(fc.nat(1), bytes), { maxLength: 8 }))
  .map(([first, items]) => {
    let term = 1;
    return items.map(([step, data], i) => {
      term += step;
      return { term, index: first + i, type: 'normal', data };
    });
  });

const members = fc.array(safeInteger, { maxLength: 5 });

export const confState: Arbitrary<ConfState> = fc.record({
  voters: members,
  learners: members,
  votersOutgoing: members,
  learnersNext: members,
  autoLeave: fc.boolean(),
});

const snapshot: Arbitrary<Snapshot> = fc.record({
  meta: fc.record({ index: safeInteger, term: safeInteger, conf: confState }),
  data: bytes,
});

export const message: Arbitrary<Message> = fc.record({
  type: fc.constantFrom(...WIRE_TYPES),
  to: safeInteger,
  from: safeInteger,
  term: safeInteger,
  logTerm: safeInteger,
  index: safeInteger,
  entries: fc.oneof(contiguousEntries, fc.array(entry, { maxLength: 4 })),
  commit: safeInteger,
  vote: safeInteger,
  snapshot: fc.option(snapshot, { nil: undefined }),
  reject: fc.boolean(),
  rejectHint: safeInteger,
  context: bytes,
  responses: fc.constant([]),
});
