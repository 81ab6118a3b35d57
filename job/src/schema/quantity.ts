import { checked, type Reading, refuse, type ValueType } from './value-type.ts';

interface QuantityOptions {
  readonly min: number;
  readonly max: number;
  readonly allowed: string;
  /** Undefined if the text is no such quantity. */
  readonly parse: (text: string) => number | undefined;
  readonly render: (value: number) => string;
  /** What to write instead of a value that can't be read. */
  readonly hint: (value: unknown) => string | undefined;
}

/** A whole number of some unit: text with its unit in a file, a number in a JobSpec. */
export function quantity({ min, max, allowed, parse, render, hint }: QuantityOptions): ValueType<number> {
  const toFile = (value: unknown): unknown => (typeof value === 'number' ? render(value) : value);
  const check: ValueType<number>['check'] = (value) => {
    const fits = Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
    return fits ? [] : refuse(toFile(value), allowed);
  };
  return {
    allowed,
    check,
    toFile,
    read: (value, siblings): Reading<number> => {
      const amount = typeof value === 'string' ? parse(value) : undefined;
      if (amount === undefined) return { refusals: refuse(value, allowed, hint(value)) };
      return checked(amount, check(amount, siblings));
    },
  };
}
