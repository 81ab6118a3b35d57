import type { SequentialModel } from '../linearizability/index.ts';
import type { Command, RegisterKey } from './command.ts';

/** What clients see of a list: how long it is, and its last item. Every operation answers it as it is then. */
export interface Register {
  readonly length: number;
  /** 0 if it is empty. */
  readonly last: number;
  /** What was last before that, even if it was overwritten: it makes the order of operations easy to find. */
  readonly previous: number;
}

export const EMPTY_REGISTER: Register = { length: 0, last: 0, previous: 0 };

export function applyCommand(register: Register, { kind, sequence, expected }: Command): Register {
  if (kind === 'write') return { length: 1, last: sequence, previous: register.last };
  if (kind === 'swap' && register.last !== expected) return register;
  return { length: register.length + 1, last: sequence, previous: register.last };
}

/** What a client asked for: a command, or nothing but a look. */
export interface RegisterInput {
  readonly key: RegisterKey;
  readonly command: Command | undefined;
}

/** Registers as they should be, each by itself: what the clients' history is held against. */
export const registerModel: SequentialModel<Register, RegisterInput, Register> = {
  partition: ({ key }) => `register ${key}`,
  initial: () => EMPTY_REGISTER,
  step(register, { command }, output) {
    const after = command === undefined ? register : applyCommand(register, command);
    return output === undefined || same(output, after) ? after : undefined;
  },
  key: ({ length, last, previous }) => `${length}/${last}/${previous}`,
  observes: ({ command }, output) => output !== undefined && output.last !== command?.sequence,
  describe: ({ command }, output) => {
    const answer =
      output === undefined ? 'nothing' : `${output.length} items, the last is ${output.last}, after ${output.previous}`;
    return `${command === undefined ? 'read' : commandText(command)} -> ${answer}`;
  },
};

function same(a: Register, b: Register): boolean {
  return a.length === b.length && a.last === b.last && a.previous === b.previous;
}

function commandText({ kind, sequence, expected }: Command): string {
  return kind === 'swap' ? `append ${sequence} if the last is ${expected}` : `${kind} ${sequence}`;
}
