import { plainType, refuse, type ValueType } from './value-type.ts';

interface WholeNumberOptions {
  readonly min: number;
  readonly max: number;
  /** More on what is allowed. */
  readonly remark?: string;
}

/** A whole number in a range, both ends included. */
export function wholeNumber({ min, max, remark = '' }: WholeNumberOptions): ValueType<number> {
  const allowed = `a whole number from ${groupDigits(min)} to ${groupDigits(max)}${remark}`;
  return plainType(allowed, (value) => {
    if (typeof value === 'string' && /^\d+$/.test(value)) return refuse(value, allowed, 'write it without quotes');
    const fits = Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
    return fits ? [] : refuse(value, allowed);
  });
}

/** 10000 as "10,000". */
export function groupDigits(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
