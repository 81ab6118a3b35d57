import { plainType, refuse, type ValueType } from './value-type.ts';

const ALLOWED = 'true or false';

export const truth: ValueType<boolean> = plainType(ALLOWED, (value) => {
  if (typeof value === 'boolean') return [];
  const quoted = value === 'true' || value === 'false';
  return refuse(value, ALLOWED, quoted ? 'write it without quotes' : undefined);
});
