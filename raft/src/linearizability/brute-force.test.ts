import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkLinearizability } from './check-linearizability.ts';
import type { Operation, SequentialModel } from './sequential-model.ts';
import type { RegisterInput, RegisterOperation, RegisterOutput } from './testing/register-model.ts';
import { registerModel } from './testing/register-model.ts';

const OPERATIONS_MAX = 6;
const TIMES = 12;
const VALUES = 3;

/** The definition, word by word: tries every order of every choice of operations without an answer. */
function bruteForce<S, I, O>(model: SequentialModel<S, I, O>, operations: readonly Operation<I, O>[]): boolean {
  const explains = (state: S, left: readonly Operation<I, O>[]): boolean => {
    if (left.every(({ output }) => output === undefined)) return true;
    return left.some((next) => {
      if (left.some((other) => other !== next && other.returnedAt < next.invokedAt)) return false;
      const after = model.step(state, next.input, next.output);
      const others = left.filter((other) => other !== next);
      return after !== undefined && explains(after, others);
    });
  };
  return explains(model.initial(), operations);
}

const value = fc.nat({ max: VALUES - 1 });

const inputs: fc.Arbitrary<readonly [RegisterInput, RegisterOutput]> = fc.oneof(
  fc.tuple(fc.record({ kind: fc.constant('read' as const), key: fc.constant('x') }), value),
  fc.tuple(
    fc.record({ kind: fc.constant('write' as const), key: fc.constant('x'), value }),
    fc.constant('done' as const),
  ),
  fc.tuple(
    fc.record({ kind: fc.constant('swap' as const), key: fc.constant('x'), expected: value, value }),
    fc.boolean(),
  ),
);

const operations: fc.Arbitrary<RegisterOperation> = fc
  .tuple(fc.nat({ max: 3 }), fc.nat({ max: TIMES }), fc.nat({ max: TIMES }), inputs, fc.nat({ max: 4 }))
  .map(([client, a, b, [input, output], fate]) => {
    const invokedAt = Math.min(a, b);
    if (fate === 0) return { client, input, output: undefined, invokedAt, returnedAt: Number.POSITIVE_INFINITY };
    return { client, input, output, invokedAt, returnedAt: Math.max(a, b) };
  });

test('the search comes to the same verdict as trying every order', () => {
  const verdicts = { linearizable: 0, violation: 0, undecided: 0 };
  fc.assert(
    fc.property(fc.array(operations, { maxLength: OPERATIONS_MAX }), (history) => {
      const { verdict } = checkLinearizability(registerModel, history);
      verdicts[verdict]++;
      expect(verdict).toBe(bruteForce(registerModel, history) ? 'linearizable' : 'violation');
    }),
    { numRuns: 3_000 },
  );
  // Else this would compare nothing.
  expect(Math.min(verdicts.linearizable, verdicts.violation)).toBeGreaterThan(300);
});
