import type { JobType } from '../job-spec.ts';
import type { ValueType } from './value-type.ts';

/** One key of a job file. */
export interface FieldSchema<T> {
  /** As it stands in the file. */
  readonly key: string;
  readonly type: ValueType<T>;
  /** The key must be in the file. */
  readonly required?: true;
  /** What holds if the key is not in the file. For a required one: what stands in while more issues are looked for. */
  readonly default: T;
  /** Where it differs by the job's type. */
  readonly defaultByType?: Partial<Readonly<Record<JobType, T>>>;
  /** For people, where the default's value alone doesn't say it. */
  readonly defaultText?: string;
  /** Sentences for the documentation. */
  readonly doc: string;
  /** A value in TOML. */
  readonly example: string;
}

/** A schema for every property of `T`, so that none can be forgotten. Properties come in the order of the file. */
export type FieldSchemas<T> = { readonly [Property in keyof T]-?: FieldSchema<T[Property]> };

/**
 * A part of a job file.
 *
 * root: what stands before the first table. table: `[key]`. optional-table: `[key]`, and if it is not there the
 * JobSpec has undefined. list: `[[key]]`. map: `[key]` with free keys, all of the type of the one field.
 */
export interface SectionSchema {
  readonly key: string;
  /** Of the JobSpec; empty for root. */
  readonly property: string;
  readonly shape: 'root' | 'table' | 'optional-table' | 'list' | 'map';
  readonly doc: string;
  readonly fields: Readonly<Record<string, FieldSchema<unknown>>>;
  /** For list and map. */
  readonly entriesMax?: number;
  /** For map: what its keys must be, and what people call its entries. */
  readonly names?: { readonly type: ValueType<string>; readonly plural: string };
}

/** The default for a job of this type. */
export function defaultOf(field: FieldSchema<unknown>, type: JobType): unknown {
  return field.defaultByType?.[type] ?? field.default;
}
