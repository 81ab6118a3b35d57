import { checked, type Reading, type Refusal, refuse, type Siblings, type ValueType } from './value-type.ts';

const VALUE_LENGTH_MAX = 1024;
const LIST_LENGTH_MAX = 100;
const CONTROL_CHARACTER = /\p{Cc}/u;
const NUMBER = /^-?\d{1,15}(\.\d{1,9})?$/;

const SCALAR = 'a string or a number';
const ORDERED = 'a number';
const LIST = `a list of 1 to ${LIST_LENGTH_MAX} strings or numbers, without commas in them`;

const NOTHING = 'left out';
const MUST_BE_LEFT_OUT = 'must be left out beside "exists" and "not exists"';

/** Operators as they stand in files and, where that differs, in a JobSpec. */
const listOperators: readonly unknown[] = ['in', 'not in', 'not-in'];
const presenceOperators: readonly unknown[] = ['exists', 'not exists', 'not-exists'];
const orderOperators: readonly unknown[] = ['>=', '<=', 'at-least', 'at-most'];

/** What a constraint compares with. Which kind of value it is depends on the operator beside it. */
export const constraintValue: ValueType<string> = {
  allowed: `${SCALAR}; for "in" and "not in" ${LIST}; for ">=" and "<=" ${ORDERED}; none for "exists" and "not exists"`,
  read: (value, siblings): Reading<string> => {
    const wanted = allowedBeside(siblings);
    if (wanted === NOTHING) return { refusals: [{ at: [], value, message: MUST_BE_LEFT_OUT }] };
    if (wanted === LIST) {
      if (!Array.isArray(value) || value.some((entry) => !isScalar(entry))) return { refusals: refuse(value, wanted) };
      const entries = value.map(String);
      const joined = entries.join(',');
      return checked(
        joined,
        entries.some((entry) => entry.includes(',')) ? refuse(value, wanted) : check(joined, siblings),
      );
    }
    if (!isScalar(value)) return { refusals: refuse(value, wanted) };
    return checked(String(value), check(String(value), siblings));
  },
  check,
  toFile: (value) => value,
  isLeftOut: (value) => value === '',
};

/** As it stands in a file, beside the operator of a JobSpec. */
export function constraintValueToFile(value: string, operator: string): unknown {
  return operator === 'in' || operator === 'not-in' ? value.split(',') : value;
}

function check(value: unknown, siblings: Siblings): readonly Refusal[] {
  const wanted = allowedBeside(siblings);
  // Whether one must be there at all is a matter of both fields, and so of a rule.
  if (value === '') return [];
  if (wanted === NOTHING) return [{ at: [], value, message: MUST_BE_LEFT_OUT }];
  if (typeof value !== 'string') return refuse(value, wanted);
  if (value.length > VALUE_LENGTH_MAX) return refuse(value, `at most ${VALUE_LENGTH_MAX} characters long`);
  if (CONTROL_CHARACTER.test(value)) return refuse(value, `${SCALAR}, without control characters`);
  if (wanted === ORDERED && !NUMBER.test(value)) return refuse(value, wanted);
  if (wanted !== LIST) return [];
  const entries = value.split(',');
  return entries.length > LIST_LENGTH_MAX || entries.includes('') ? refuse(value, wanted) : [];
}

function allowedBeside(siblings: Siblings): string {
  const operator = siblings['operator'];
  if (listOperators.includes(operator)) return LIST;
  if (presenceOperators.includes(operator)) return NOTHING;
  return orderOperators.includes(operator) ? ORDERED : SCALAR;
}

function isScalar(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || (typeof value === 'number' && Number.isFinite(value));
}
