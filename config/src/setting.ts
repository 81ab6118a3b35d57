import type { ConfigProblem } from './config-error.ts';
import type { Located } from './located.ts';

/** What may stand at one key, and how to read it. */
export interface Setting<T> {
  /** The end of the sentence "It must be ...". */
  readonly allowed: string;
  /**
   * Reads the value, or what holds when there is none. Problems are reported to `place`; what is returned after one is
   * never used.
   */
  read(value: Located | undefined, place: Place): T;
}

/** What reading a file by a schema gives. */
export type SettingsOf<S> = S extends Setting<infer T> ? T : never;

/** Where in a file one is, and where problems go. */
export interface Place {
  readonly file: string;
  /** As one writes it in TOML. */
  readonly key: string;
  /** Of the value, or of the table that should have it. */
  readonly line: number;
  /** Where the value comes from if it does not come from the file. */
  readonly variable?: string | undefined;
  /** The environment variable that can stand for a key. */
  readonly variables: ReadonlyMap<string, string>;
  readonly problems: ConfigProblem[];
}

/** Reported problems end the reading later; so the value returned here never reaches anybody. */
export function refuse(place: Place, message: string): never {
  const { file, line, variable, key } = place;
  place.problems.push({ file, line, variable, key, message });
  return undefined as never;
}

/** As `refuse`, of a value that is nowhere. */
export function refuseMissing(place: Place, allowed: string): never {
  const variable = place.variables.get(place.key);
  const instead = variable === undefined ? '' : `; ${variable} in the environment can say it too`;
  const message = `is missing. It must be ${allowed}${instead}`;
  const { file, line, key } = place;
  place.problems.push({ file, line, variable: place.variable, key, message, missing: true });
  return undefined as never;
}

/** A value that must be there and that `parse` understands; `parse` gives undefined for what isn't allowed. */
export function scalar<T>(allowed: string, parse: (value: unknown, integer: boolean) => T | undefined): Setting<T> {
  return {
    allowed,
    read(value, place) {
      if (value === undefined) return refuseMissing(place, allowed);
      const parsed = value.kind === 'scalar' ? parse(value.value, value.integer) : undefined;
      return parsed ?? refuse(place, `has the value ${show(value)}. It must be ${allowed}`);
    },
  };
}

/** Absent is allowed, and read as undefined. */
export function optional<T>(setting: Setting<T>): Setting<T | undefined> {
  return {
    allowed: setting.allowed,
    read: (value, place) => (value === undefined ? undefined : setting.read(value, place)),
  };
}

export function withDefault<T>(setting: Setting<T>, value: T): Setting<T> {
  return {
    allowed: setting.allowed,
    read: (found, place) => (found === undefined ? value : setting.read(found, place)),
  };
}

const VALUE_CHARACTERS_MAX = 80;

/** A value as it goes into a message. */
export function show(value: Located): string {
  if (value.kind === 'table') return 'of a table';
  if (value.kind === 'array') return 'of an array';
  const text = value.value instanceof Date ? value.value.toISOString() : String(value.value);
  return `"${text.length > VALUE_CHARACTERS_MAX ? `${text.slice(0, VALUE_CHARACTERS_MAX)}...` : text}"`;
}
