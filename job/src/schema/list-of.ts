import { type Reading, type Refusal, refuse, type ValueType } from './value-type.ts';

interface ListOptions {
  /** Goes on after "must be": `a list of at most 3 of …`. */
  readonly allowed: string;
  readonly entriesMax: number;
}

/** A list of values of one type, none of them twice. */
export function listOf<T extends string>(entry: ValueType<T>, options: ListOptions): ValueType<readonly T[]> {
  const { allowed, entriesMax } = options;
  const checkForm = (value: unknown): readonly Refusal[] => {
    if (typeof value === 'string') return refuse(value, allowed, 'write it in brackets');
    if (!Array.isArray(value)) return refuse(value, allowed);
    return value.length > entriesMax ? refuse(value, allowed, `it has ${value.length} entries`) : [];
  };
  return {
    allowed,
    toFile: (value) => (Array.isArray(value) ? value.map(entry.toFile) : value),
    isLeftOut: (value) => Array.isArray(value) && value.length === 0,
    check: (value, siblings) => {
      const refusals = checkForm(value);
      if (refusals.length > 0) return refusals;
      const entries = value as readonly unknown[];
      const wrong = entries.flatMap((each, index) => within(index, entry.check(each, siblings)));
      return [...wrong, ...repeated(entries, entries)];
    },
    read: (value, siblings): Reading<readonly T[]> => {
      const refusals = checkForm(value);
      if (refusals.length > 0) return { refusals };
      const written = value as readonly unknown[];
      const readings = written.map((each) => entry.read(each, siblings));
      const values = readings.flatMap((reading) => ('value' in reading ? [reading.value] : []));
      const wrong = readings.flatMap((reading, index) => ('value' in reading ? [] : within(index, reading.refusals)));
      const all = wrong.length > 0 ? wrong : repeated(values, written);
      return all.length > 0 ? { refusals: all } : { value: values };
    },
  };
}

function within(index: number, refusals: readonly Refusal[]): Refusal[] {
  return refusals.map((refusal) => ({ ...refusal, at: [index, ...refusal.at] }));
}

function repeated(values: readonly unknown[], written: readonly unknown[]): Refusal[] {
  return values.flatMap((value, index): Refusal[] => {
    if (values.indexOf(value) === index) return [];
    return [{ at: [index], value: written[index], message: 'must be named once only' }];
  });
}
