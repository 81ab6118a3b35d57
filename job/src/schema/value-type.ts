/**
 * A kind of value in a job file: what may stand there, how it becomes a value of a JobSpec, and how it is written back.
 * Files and wires go through the same `check`, so that the same rules hold for both.
 */
export interface ValueType<T> {
  /** Goes on after "must be": `a whole number from 1 to 10`. */
  readonly allowed: string;
  /** From a job file's value. `siblings` are the values beside it in the file, unchecked. */
  read(value: unknown, siblings: Siblings): Reading<T>;
  /** What is wrong with a JobSpec's value; empty if nothing is. `siblings` are the values beside it in the JobSpec. */
  check(value: unknown, siblings: Siblings): readonly Refusal[];
  /** As it stands in a job file. Values that `check` refuses come out in some readable way. */
  toFile(value: unknown): unknown;
  /** Whether a JobSpec's value stands for: not in the file. `check` lets it pass. Left out: no value does. */
  isLeftOut?(value: unknown): boolean;
}

export type Siblings = Readonly<Record<string, unknown>>;

export type Reading<T> = { readonly value: T } | { readonly refusals: readonly Refusal[] };

export interface Refusal {
  /** Positions inside the value that lead to what is refused; empty for the value itself. */
  readonly at: readonly number[];
  readonly value: unknown;
  readonly message: string;
}

/** The value itself is refused, for what it must be, and with more words for those that need them. */
export function refuse(value: unknown, allowed: string, hint?: string): readonly Refusal[] {
  return [{ at: [], value, message: `must be ${allowed}${hint === undefined ? '' : `; ${hint}`}` }];
}

/** A type whose values stand in files as they stand in a JobSpec. */
export function plainType<T>(allowed: string, check: ValueType<T>['check']): ValueType<T> {
  return {
    allowed,
    read: (value, siblings) => checked(value as T, check(value, siblings)),
    check,
    toFile: (value) => value,
  };
}

/** The value if nothing is wrong with it. */
export function checked<T>(value: T, refusals: readonly Refusal[]): Reading<T> {
  return refusals.length === 0 ? { value } : { refusals };
}

/** Like `type`, but a JobSpec may also hold `empty`, which stands for: not in the file. */
export function orEmpty<T extends string | readonly string[]>(type: ValueType<T>): ValueType<T> {
  return orLeftOut(type, (value) => value === '' || (Array.isArray(value) && value.length === 0));
}

/** Like `type`, but a JobSpec may also hold 0, which stands for: not in the file. */
export function orZero(type: ValueType<number>): ValueType<number> {
  return orLeftOut(type, (value) => value === 0);
}

function orLeftOut<T>(type: ValueType<T>, isLeftOut: (value: unknown) => boolean): ValueType<T> {
  return { ...type, isLeftOut, check: (value, siblings) => (isLeftOut(value) ? [] : type.check(value, siblings)) };
}
