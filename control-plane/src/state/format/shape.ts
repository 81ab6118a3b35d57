/**
 * Checks that parsed JSON has the form that its reader expects, and copies it into a canonical form: fields in the
 * order of the shape, records ordered by key, unknown fields dropped, optional fields always there. So equal values
 * are equal byte for byte when they are written as JSON again.
 */

/** Returns the canonical copy. Throws `ShapeMismatch`; `path` says where, such as "spec.ports[0].name". */
export type Shape<Value> = (value: unknown, path: string) => Value;

export class ShapeMismatch extends Error {
  constructor(path: string, expected: string, found: unknown) {
    super(`Expected ${expected} at "${path}" and found ${describe(found)}`);
    this.name = 'ShapeMismatch';
  }
}

export const text: Shape<string> = (value, path) => {
  if (typeof value !== 'string') throw new ShapeMismatch(path, 'a text', value);
  return value;
};

/** Texts that `sharedText` remembers at most; then it begins anew. */
const SHARED_TEXTS_MAX = 32_768;

/** Gives the same text for equal ones, so that what is read need not be kept many times over. */
export function sharedText(): Shape<string> {
  const seen = new Map<string, string>();
  return (value, path) => {
    const found = text(value, path);
    const first = seen.get(found);
    if (first !== undefined) return first;
    if (seen.size === SHARED_TEXTS_MAX) seen.clear();
    seen.set(found, found);
    return found;
  };
}

export const whole: Shape<number> = (value, path) => {
  if (!Number.isSafeInteger(value)) throw new ShapeMismatch(path, 'a whole number', value);
  return value as number;
};

/** A whole number from 0. */
export const amount: Shape<number> = (value, path) => {
  if (whole(value, path) < 0) throw new ShapeMismatch(path, 'a number from 0', value);
  return value as number;
};

export const truth: Shape<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw new ShapeMismatch(path, 'true or false', value);
  return value;
};

export function oneOf<const Text extends string>(...allowed: readonly Text[]): Shape<Text> {
  const set: ReadonlySet<string> = new Set(allowed);
  return (value, path) => {
    if (!set.has(value as string)) throw new ShapeMismatch(path, `one of ${allowed.join(', ')}`, value);
    return value as Text;
  };
}

export function list<Value>(of: Shape<Value>): Shape<readonly Value[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new ShapeMismatch(path, 'a list', value);
    return value.map((item, position) => of(item, `${path}[${position}]`));
  };
}

export function pair<Value>(of: Shape<Value>): Shape<readonly [Value, Value]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length !== 2) throw new ShapeMismatch(path, 'a pair', value);
    return [of(value[0], `${path}[0]`), of(value[1], `${path}[1]`)];
  };
}

const ORDINARY = { enumerable: true, configurable: true, writable: true };

export function record<Value>(of: Shape<Value>): Shape<Readonly<Record<string, Value>>> {
  return (value, path) => {
    const source = plain(value, path);
    const keys = Object.keys(source);
    if (keys.length > 1) keys.sort();
    const copy: Record<string, Value> = {};
    for (const key of keys) {
      const item = of(source[key], `${path}.${key}`);
      // Assigned, it would not become an ordinary key.
      if (key === '__proto__') Object.defineProperty(copy, key, { value: item, ...ORDINARY });
      else copy[key] = item;
    }
    return copy;
  };
}

/** Absent, `undefined` and `null` are the same. */
export function optional<Value>(of: Shape<Value>): Shape<Value | undefined> {
  return (value, path) => (value === undefined || value === null ? undefined : of(value, path));
}

/** For what rows and commands of earlier versions lack. */
export function withDefault<Value>(of: Shape<Value>, value: Value): Shape<Value> {
  return (given, path) => (given === undefined ? value : of(given, path));
}

export function object<Value extends object>(
  fields: {
    readonly [Key in keyof Value]-?: Shape<Value[Key]>;
  },
): Shape<Value> {
  const entries = Object.entries<Shape<unknown>>(fields as Record<string, Shape<unknown>>);
  return (value, path) => {
    const source = plain(value, path);
    const copy: Record<string, unknown> = {};
    for (const [key, of] of entries) {
      copy[key] = of(source[key], path === '' ? key : `${path}.${key}`);
    }
    return copy as Value;
  };
}

/** Its fields may be anything. */
export function plain(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ShapeMismatch(path, 'an object', value);
  }
  return value as Record<string, unknown>;
}

function describe(found: unknown): string {
  if (Array.isArray(found)) return 'a list';
  if (typeof found === 'object' && found !== null) return 'an object';
  if (typeof found === 'string') return `"${found.slice(0, 80)}"`;
  return found === undefined ? 'nothing' : JSON.stringify(found);
}
