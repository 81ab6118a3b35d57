import type { SequentialModel } from '@cell/raft/linearizability';
import type { RegisterInput, RegisterOutput, Written } from '../clients/operations.ts';

interface Register {
  readonly value: string;
  /** Undefined if nobody was told the index of the write. */
  readonly index: number | undefined;
  /** The newest index that is known: all later ones are higher. */
  readonly floor: number;
}

/** A register whose every write gets a higher index, and that can be swapped if the index is known. */
export const registerModel: SequentialModel<Register, RegisterInput, RegisterOutput> = {
  partition: (input) => input.register,
  initial: () => ({ value: '', index: 0, floor: 0 }),
  key: ({ value, index, floor }) => `${value}@${index ?? `>${floor}`}`,
  step(state, input, output) {
    if (input.kind === 'read') return output === undefined ? state : afterRead(state, output);
    const asExpected = input.kind === 'write' || matches(state, input.expected);
    // Without an answer, the swap may have failed as well as succeeded; the state tells which.
    if (output === undefined) return asExpected ? written(state, input.value, undefined) : state;
    if ('conflict' in output) return asExpected ? undefined : state;
    return asExpected && output.index > state.floor ? written(state, input.value, output.index) : undefined;
  },
  describe: (input, output) => `${JSON.stringify(input)} -> ${JSON.stringify(output)}`,
};

/** Values are unique, so that those of an unknown index tell whether it is the one that was expected. */
function matches({ value, index, floor }: Register, expected: Written): boolean {
  return index === undefined ? value === expected.value && expected.index > floor : index === expected.index;
}

function afterRead(state: Register, output: RegisterOutput): Register | undefined {
  if (!('value' in output) || output.value !== state.value) return undefined;
  if (state.index !== undefined) return output.index === state.index ? state : undefined;
  return output.index > state.floor ? written(state, state.value, output.index) : undefined;
}

function written(before: Register, value: string, index: number | undefined): Register {
  return { value, index, floor: index ?? before.floor };
}
