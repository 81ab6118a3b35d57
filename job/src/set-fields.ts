import type { Constraint, JobSpec } from './job-spec.ts';
import { constraintValueToFile } from './schema/constraint-value.ts';
import type { SectionSchema } from './schema/field-schema.ts';
import { jobFileSchema } from './schema/job-file-schema.ts';

export interface SetField {
  readonly path: readonly (string | number)[];
  /** As it stands in a job file. */
  readonly value: unknown;
}

/** Every field of a job file that says the same as the specification, defaults included, in the file's order. */
export function setFields(spec: JobSpec): SetField[] {
  const properties = spec as unknown as Readonly<Record<string, unknown>>;
  return jobFileSchema.flatMap((section): SetField[] => {
    const value = section.shape === 'root' ? properties : properties[section.property];
    if (value === undefined) return [];
    if (section.shape === 'root') return setFieldsOf(properties, section, []);
    if (section.shape === 'list') {
      const entries = value as readonly Readonly<Record<string, unknown>>[];
      return entries.flatMap((entry, index) => setFieldsOf(entry, section, [section.key, index]));
    }
    const table = value as Readonly<Record<string, unknown>>;
    if (section.shape !== 'map') return setFieldsOf(table, section, [section.key]);
    const names = Object.keys(table).sort();
    return names.map((name) => ({ path: [section.key, name], value: table[name] }));
  });
}

function setFieldsOf(
  table: Readonly<Record<string, unknown>>,
  section: SectionSchema,
  path: readonly (string | number)[],
): SetField[] {
  return Object.entries(section.fields).flatMap(([property, { key, type }]): SetField[] => {
    const value = table[property];
    if (type.isLeftOut?.(value) === true) return [];
    const isConstraint = section.key === 'constraints' && property === 'value';
    const written = isConstraint ? constraintText(table as unknown as Constraint) : type.toFile(value);
    return [{ path: [...path, key], value: written }];
  });
}

function constraintText({ value, operator }: Constraint): unknown {
  return constraintValueToFile(value, operator);
}
