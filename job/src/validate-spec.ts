import type { Issue, IssuePath } from './issue.ts';
import { brokenRules } from './job-rules.ts';
import type { JobSpec } from './job-spec.ts';
import type { SectionSchema } from './schema/field-schema.ts';
import { jobFileSchema } from './schema/job-file-schema.ts';

/**
 * Everything that is wrong with a specification that came over the wire: the same rules as for job files, with the
 * paths of a job file. Empty if all is right.
 */
export function validateSpec(spec: JobSpec): readonly Issue[] {
  const issues = jobFileSchema.flatMap((section) => checkSection(spec, section));
  return [...issues, ...brokenRules(spec, issues)];
}

function checkSection(spec: JobSpec, section: SectionSchema): Issue[] {
  const properties = spec as unknown as Record<string, unknown>;
  const value = section.shape === 'root' ? properties : properties[section.property];
  switch (section.shape) {
    case 'root':
      return checkTable(value as object, section, []);
    case 'table':
      return checkTable(value as object, section, [section.key]);
    case 'optional-table':
      return value === undefined ? [] : checkTable(value as object, section, [section.key]);
    case 'list':
      return checkList(value as readonly object[], section);
    case 'map':
      return checkMap(value as Readonly<Record<string, unknown>>, section);
  }
}

function checkTable(table: object, section: SectionSchema, path: IssuePath): Issue[] {
  const values = table as Readonly<Record<string, unknown>>;
  return Object.entries(section.fields).flatMap(([property, { key, type }]) =>
    type.check(values[property], values).map(
      ({ at, value, message }): Issue => ({
        path: [...path, key, ...at],
        kind: 'value',
        value,
        message,
        allowed: type.allowed,
      }),
    ),
  );
}

function checkList(entries: readonly object[], section: SectionSchema): Issue[] {
  const entriesMax = section.entriesMax ?? 0;
  const issues = entries
    .slice(0, entriesMax)
    .flatMap((entry, index) => checkTable(entry, section, [section.key, index]));
  if (entries.length > entriesMax) issues.push(tooMany(section, entries.length, 'tables'));
  return issues;
}

function checkMap(map: Readonly<Record<string, unknown>>, section: SectionSchema): Issue[] {
  const { fields, names } = section;
  const type = fields['value']?.type;
  if (type === undefined || names === undefined) return [];
  const entriesMax = section.entriesMax ?? 0;
  const entries = Object.entries(map);
  const issues = entries.slice(0, entriesMax).flatMap(([name, value]): Issue[] => {
    const path = [section.key, name];
    const { allowed } = names.type;
    const nameIssues = names.type
      .check(name, {})
      .map((): Issue => ({ path, kind: 'value', value, message: `the name must be ${allowed}`, allowed }));
    const valueIssues = type
      .check(value, {})
      .map(({ message }): Issue => ({ path, kind: 'value', value, message, allowed: type.allowed }));
    return [...nameIssues, ...valueIssues];
  });
  if (entries.length > entriesMax) issues.push(tooMany(section, entries.length, names.plural));
  return issues;
}

function tooMany(section: SectionSchema, count: number, what: string): Issue {
  const allowed = `at most ${section.entriesMax} ${what}`;
  return { path: [section.key], kind: 'value', value: `${count} ${what}`, message: `must be ${allowed}`, allowed };
}
