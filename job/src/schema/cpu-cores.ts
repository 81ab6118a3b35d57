import { checked, type Reading, refuse, type ValueType } from './value-type.ts';
import { groupDigits } from './whole-number.ts';

const MILLIS_PER_CORE = 1000;
/** A thousandth of a core that is off by less than this was meant to be one: 0.29 × 1000 is 290.00000000000006. */
const ROUNDING = 1e-6;

interface CpuCoresOptions {
  readonly minMillis: number;
  readonly maxMillis: number;
}

/** A share of processors: cores, such as 0.1 or 2, in a file; thousandths of a core in a JobSpec. */
export function cpuCores({ minMillis, maxMillis }: CpuCoresOptions): ValueType<number> {
  const range = `from ${minMillis / MILLIS_PER_CORE} to ${groupDigits(maxMillis / MILLIS_PER_CORE)}`;
  const allowed = `a number of cores ${range}, such as 0.5 (thousandths at the finest)`;
  const check: ValueType<number>['check'] = (value) => {
    const fits = Number.isSafeInteger(value) && (value as number) >= minMillis && (value as number) <= maxMillis;
    return fits ? [] : refuse(toFile(value), allowed);
  };
  return {
    allowed,
    check,
    toFile,
    read: (value, siblings): Reading<number> => {
      if (typeof value !== 'number') return { refusals: refuse(value, allowed) };
      const millis = Math.round(value * MILLIS_PER_CORE);
      const whole = Math.abs(value * MILLIS_PER_CORE - millis) < ROUNDING;
      if (!whole) return { refusals: refuse(value, allowed) };
      return checked(millis, check(millis, siblings));
    },
  };
}

function toFile(value: unknown): unknown {
  return typeof value === 'number' ? value / MILLIS_PER_CORE : value;
}
