/** One of a few registers that clients work on. */
export type RegisterKey = number;

export const KEYS = 4;

/** append adds to a register's list, write makes a list of one, swap appends if the last item is as expected. */
export type CommandKind = 'append' | 'write' | 'swap';

export interface Command {
  /** No two commands of a simulation have the same; it is the item that is written. From 1 on. */
  readonly sequence: number;
  readonly key: RegisterKey;
  readonly kind: CommandKind;
  /** Of a swap: the item that must be the last one; 0: the list is empty. */
  readonly expected: number;
}

const KINDS: readonly CommandKind[] = ['append', 'write', 'swap'];
const SEQUENCES = 2 ** 20;

/** A command as one safe integer, which is what entries and snapshots carry. */
export function packCommand({ sequence, key, kind, expected }: Command): number {
  if (sequence >= SEQUENCES) throw new RangeError(`There is no room for command '${sequence}'`);
  return ((KINDS.indexOf(kind) * KEYS + key) * SEQUENCES + expected) * SEQUENCES + sequence;
}

export function unpackCommand(packed: number): Command {
  const above = Math.floor(packed / SEQUENCES);
  const head = Math.floor(above / SEQUENCES);
  return {
    sequence: packed % SEQUENCES,
    expected: above % SEQUENCES,
    key: head % KEYS,
    kind: KINDS[Math.floor(head / KEYS)] as CommandKind,
  };
}
