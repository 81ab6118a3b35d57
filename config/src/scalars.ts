import { isAbsolute } from 'node:path';
import { type Setting, scalar } from './setting.ts';

export interface TextRules {
  readonly lengthMax?: number;
  readonly pattern?: RegExp;
  /** The end of the sentence "It must be ..."; needed with `pattern`. */
  readonly allowed?: string;
}

const LENGTH_MAX = 4096;

export function text(rules: TextRules = {}): Setting<string> {
  const lengthMax = rules.lengthMax ?? LENGTH_MAX;
  return scalar(rules.allowed ?? `a text of 1 to ${lengthMax} characters`, (value) => {
    if (typeof value !== 'string' || value === '' || value.length > lengthMax) return undefined;
    return rules.pattern === undefined || rules.pattern.test(value) ? value : undefined;
  });
}

export function absolutePath(): Setting<string> {
  return scalar('an absolute path', (value) =>
    typeof value === 'string' && isAbsolute(value) && !value.includes('\0') ? value : undefined,
  );
}

export function choice<T extends string>(...values: readonly T[]): Setting<T> {
  const allowed = `one of ${values.map((value) => `"${value}"`).join(', ')}`;
  return scalar(allowed, (value) => values.find((each) => each === value));
}

export function flag(): Setting<boolean> {
  return scalar('true or false', (value) => (typeof value === 'boolean' ? value : undefined));
}

export function integer(min: number, max: number): Setting<number> {
  return scalar(`a whole number from ${min} to ${max}`, (value, whole) => {
    const found = whole ? Number(value) : Number.NaN;
    return found >= min && found <= max ? found : undefined;
  });
}

export function number(min: number, max: number): Setting<number> {
  return scalar(`a number from ${min} to ${max}`, (value) => {
    const found = typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN;
    return found >= min && found <= max ? found : undefined;
  });
}
