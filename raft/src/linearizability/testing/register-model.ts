import type { Operation, SequentialModel } from '../sequential-model.ts';

export type RegisterInput =
  | { readonly kind: 'read'; readonly key: string }
  | { readonly kind: 'write'; readonly key: string; readonly value: number }
  | { readonly kind: 'swap'; readonly key: string; readonly expected: number; readonly value: number };

/** What was read; for a write 'done'; for a swap whether it took place. */
export type RegisterOutput = number | 'done' | boolean;

export type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

/** Registers that begin at 0, each by itself. */
export const registerModel: SequentialModel<number, RegisterInput, RegisterOutput> = {
  partition: ({ key }) => key,
  initial: () => 0,
  step(state, input, output) {
    if (input.kind === 'read') return output === undefined || output === state ? state : undefined;
    if (input.kind === 'write') return input.value;
    const swaps = state === input.expected;
    if (output !== undefined && output !== swaps) return undefined;
    return swaps ? input.value : state;
  },
  key: String,
  observes: ({ kind }, output) => kind === 'read' || (kind === 'swap' && output === false),
};

export type AppendInput = { readonly kind: 'read' } | { readonly kind: 'append'; readonly item: string };

/** A list to append to; both kinds of operation answer the list as it is then. */
export const appendModel: SequentialModel<string, AppendInput, string> = {
  initial: () => '',
  step(state, input, output) {
    const after = input.kind === 'append' ? state + input.item : state;
    return output === undefined || output === after ? after : undefined;
  },
  key: (state) => state,
};

export function readOf(client: number, invokedAt: number, returnedAt: number, output: number, key = 'x') {
  return { client, invokedAt, returnedAt, input: { kind: 'read', key }, output } satisfies RegisterOperation;
}

export function writeOf(client: number, invokedAt: number, returnedAt: number, value: number, key = 'x') {
  const output = returnedAt === Number.POSITIVE_INFINITY ? undefined : ('done' as const);
  return { client, invokedAt, returnedAt, input: { kind: 'write', key, value }, output } satisfies RegisterOperation;
}

export function swapOf(
  client: number,
  [invokedAt, returnedAt]: readonly [number, number],
  [expected, value]: readonly [number, number],
  output: boolean | undefined,
): RegisterOperation {
  return { client, invokedAt, returnedAt, input: { kind: 'swap', key: 'x', expected, value }, output };
}
