import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkLinearizability } from './check-linearizability.ts';
import type { RegisterInput, RegisterOperation } from './testing/register-model.ts';
import { registerModel } from './testing/register-model.ts';

const CLIENTS = 12;
const OPERATIONS = 6_000;
const KEYS = ['a', 'b', 'c'];
const VALUES = 50;
const NEVER = Number.POSITIVE_INFINITY;
/** A search that finds its way tries little more than there are operations. */
const STEPS_PER_OPERATION_MAX = 40;

/** Chance from a seed (Park and Miller). */
function chanceFrom(seed: number): (below: number) => number {
  let state = (seed % 2_147_483_646) + 1;
  return (below) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
}

/**
 * Clients that work at the same time on true registers: every operation takes effect at one moment in its time, and
 * of those of one in `lostEvery` the client never hears.
 */
function makeHistory(seed: number, lostEvery: number): RegisterOperation[] {
  const below = chanceFrom(seed);
  const registers = new Map<string, number>();
  const planned: { client: number; invokedAt: number; at: number; returnedAt: number; input: RegisterInput }[] = [];
  for (let client = 0; client < CLIENTS; client++) {
    let now = below(10);
    for (let count = 0; count < OPERATIONS / CLIENTS; count++) {
      const invokedAt = now + below(5);
      const at = invokedAt + below(20);
      const returnedAt = at + below(20);
      planned.push({ client, invokedAt, at, returnedAt, input: makeInput(below) });
      now = returnedAt + 1;
    }
  }
  planned.sort((a, b) => a.at - b.at);
  return planned.map(({ client, invokedAt, returnedAt, input }) => {
    const state = registers.get(input.key) ?? 0;
    registers.set(input.key, registerModel.step(state, input, undefined) as number);
    if (below(lostEvery) === 0) return { client, input, output: undefined, invokedAt, returnedAt: NEVER };
    const output = { read: state, write: 'done' as const, swap: 'expected' in input && state === input.expected };
    return { client, input, output: output[input.kind], invokedAt, returnedAt };
  });
}

function makeInput(below: (limit: number) => number): RegisterInput {
  const key = KEYS[below(KEYS.length)] as string;
  const kind = (['read', 'read', 'write', 'swap'] as const)[below(4)] as 'read' | 'write' | 'swap';
  const value = below(VALUES);
  return kind === 'swap' ? { kind, key, expected: below(VALUES), value } : { kind, key, value };
}

const limits = { stepsMax: STEPS_PER_OPERATION_MAX * OPERATIONS };

test('thousands of concurrent operations are checked with few steps', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const history = makeHistory(seed, 1_000);
      expect(checkLinearizability(registerModel, history, limits)).toEqual({ verdict: 'linearizable' });
    }),
    { numRuns: 3 },
  );
});

test('one wrong answer among thousands is found', () => {
  const history = makeHistory(7, 1_000);
  const at = history.findLastIndex(({ input, output }) => input.kind === 'read' && output !== undefined);
  history[at] = { ...(history[at] as RegisterOperation), output: VALUES + 1 };
  expect(checkLinearizability(registerModel, history).verdict).toBe('violation');
});

test('a history with thousands of operations without an answer comes to an end', () => {
  const history = makeHistory(7, 3);
  const { verdict } = checkLinearizability(registerModel, history, { stepsMax: 100_000 });
  expect(['linearizable', 'undecided']).toContain(verdict);
});
