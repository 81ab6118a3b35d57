import type { Located, LocatedTable } from './located.ts';
import { type Place, refuse, refuseMissing, type Setting, show } from './setting.ts';

type Fields = Readonly<Record<string, Setting<unknown>>>;
type FieldsOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Setting<infer T> ? T : never };

/** A table of known keys; others are refused. An absent table is read as an empty one. */
export function table<F extends Fields>(fields: F): Setting<FieldsOf<F>> {
  const names = Object.keys(fields);
  return {
    allowed: 'a table',
    read(value, place) {
      const found = value ?? emptyTable(place.line);
      if (found.kind !== 'table') return refuse(place, `has the value ${show(found)}. It must be a table`);
      for (const [name, unknown] of found.entries) {
        if (Object.hasOwn(fields, name)) continue;
        const known = names.map((each) => `"${each}"`).join(', ');
        refuse({ ...at(unknown, place), key: join(place.key, name) }, `is not known here. Known are ${known}`);
      }
      const read = names.map((name) => {
        const field = found.entries.get(name);
        return [name, fields[name]!.read(field, { ...at(field ?? found, place), key: join(place.key, name) })];
      });
      return Object.fromEntries(read) as FieldsOf<F>;
    },
  };
}

/** An array, or an array of tables. */
export function list<T>(item: Setting<T>, countMin: number, countMax: number): Setting<readonly T[]> {
  const allowed = `an array of ${countMin} to ${countMax} values`;
  return {
    allowed,
    read(value, place) {
      if (value === undefined) return refuseMissing(place, allowed);
      if (value.kind !== 'array') return refuse(place, `has the value ${show(value)}. It must be ${allowed}`);
      const count = value.items.length;
      if (count < countMin || count > countMax) return refuse(place, `has ${count} values. It must be ${allowed}`);
      return value.items.map((each, index) => item.read(each, { ...at(each, place), key: `${place.key}[${index}]` }));
    },
  };
}

/** A table whose keys are the file's own. */
export function dictionary<T>(item: Setting<T>, countMax: number): Setting<Readonly<Record<string, T>>> {
  const allowed = `a table of at most ${countMax} keys`;
  return {
    allowed,
    read(value, place) {
      const found = value ?? emptyTable(place.line);
      if (found.kind !== 'table') return refuse(place, `has the value ${show(found)}. It must be ${allowed}`);
      if (found.entries.size > countMax) return refuse(place, `has ${found.entries.size} keys. It must be ${allowed}`);
      const read = [...found.entries].map(([name, each]): [string, T] => {
        return [name, item.read(each, { ...at(each, place), key: join(place.key, name) })];
      });
      return Object.fromEntries(read);
    },
  };
}

/** A table, or a plain value that stands for one. */
export function shortOrTable<S, T>(short: Setting<S>, whole: Setting<T>): Setting<S | T> {
  const allowed = `${short.allowed}, or ${whole.allowed}`;
  return {
    allowed,
    read(value, place) {
      if (value === undefined || value.kind === 'table') return whole.read(value, place);
      if (value.kind === 'scalar' && typeof value.value === 'string') return short.read(value, place);
      return refuse(place, `has the value ${show(value)}. It must be ${allowed}`);
    },
  };
}

/** The place of a value that was found. */
function at({ line, variable }: Located, place: Place): Place {
  return { ...place, line, variable };
}

function emptyTable(line: number): LocatedTable {
  return { kind: 'table', line, entries: new Map<string, Located>() };
}

function join(key: string, name: string): string {
  const step = /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name);
  return key === '' ? step : `${key}.${step}`;
}
