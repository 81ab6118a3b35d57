import { absolutePath } from './absolute-path.ts';
import type { Issue, IssuePath } from './issue.ts';
import { brokenRules } from './job-rules.ts';
import type { HealthCheck, JobSpec, JobType, PortRequest } from './job-spec.ts';
import { nearestWord } from './nearest-word.ts';
import { defaultOf, type SectionSchema } from './schema/field-schema.ts';
import { jobFields } from './schema/job-fields.ts';
import { jobFileSchema } from './schema/job-file-schema.ts';
import type { Refusal } from './schema/value-type.ts';
import { renderValue } from './toml-text.ts';

export type JobParsing = { readonly spec: JobSpec } | { readonly issues: readonly Issue[] };

export interface ParseJobOptions {
  /** Absolute folder that a relative working directory starts from; left out, only absolute ones are allowed. */
  readonly folder?: string;
}

type Table = Readonly<Record<string, unknown>>;

/**
 * Turns the plain value of a job file into a checked specification with all defaults filled in, or says everything
 * that is wrong with it.
 *
 * @param value what a TOML reader makes of the file: nested plain objects, arrays, strings, numbers and booleans
 */
export function parseJob(value: unknown, options: ParseJobOptions = {}): JobParsing {
  if (!isTable(value)) {
    const allowed = 'a table with the keys of a job file';
    return { issues: [{ path: [], kind: 'value', value, message: `A job must be ${allowed}`, allowed }] };
  }
  const reader = new JobReader(withAbsoluteFolder(value, options.folder));
  const spec = reader.readJob();
  // A rule speaks only where all that it looks at could be read: otherwise it would judge a default, not the file.
  const issues = [...reader.issues, ...brokenRules(spec, reader.issues)];
  return issues.length === 0 ? { spec } : { issues };
}

/** Goes over a job file along the schema and gathers issues. Where something is wrong, it goes on with the default. */
class JobReader {
  readonly issues: Issue[] = [];
  readonly #file: Table;
  readonly #type: JobType;

  constructor(file: Table) {
    this.#file = file;
    const reading = jobFields.type.type.read(file['type'], file);
    this.#type = 'value' in reading ? reading.value : 'service';
  }

  readJob(): JobSpec {
    const draft: Record<string, unknown> = {};
    for (const section of jobFileSchema) {
      if (section.shape === 'root') Object.assign(draft, this.#readTable(this.#file, section, []));
      else draft[section.property] = this.#readSection(section);
    }
    const spec = draft as unknown as JobSpec;
    return spec.health === undefined ? spec : { ...spec, health: completeHealth(spec.health, spec.ports) };
  }

  #readSection(section: SectionSchema): unknown {
    const path = [section.key];
    const value = this.#file[section.key];
    if (section.shape === 'list') return this.#readList(value, section);
    if (value !== undefined && !isTable(value)) this.#refuse(path, value, `a table, [${section.key}]`);
    const table = isTable(value) ? value : undefined;
    if (section.shape === 'map') return this.#readMap(table ?? {}, section);
    if (section.shape === 'optional-table' && table === undefined) return undefined;
    return this.#readTable(table ?? {}, section, path);
  }

  #readList(value: unknown, section: SectionSchema): unknown[] {
    const entriesMax = section.entriesMax ?? 0;
    const allowed = `at most ${entriesMax} tables, [[${section.key}]]`;
    if (value === undefined) return [];
    if (!Array.isArray(value) || value.some((entry) => !isTable(entry))) {
      this.#refuse([section.key], value, allowed);
      return [];
    }
    if (value.length > entriesMax) this.#refuse([section.key], value, allowed, `there are ${value.length}`);
    return value
      .slice(0, entriesMax)
      .map((entry: Table, index) => this.#readTable(entry, section, [section.key, index]));
  }

  #readTable(table: Table, section: SectionSchema, path: IssuePath): Record<string, unknown> {
    const properties: Record<string, unknown> = {};
    for (const [property, field] of Object.entries(section.fields)) {
      const value = table[field.key];
      properties[property] = defaultOf(field, this.#type);
      if (value !== undefined) {
        const reading = field.type.read(value, table);
        if ('value' in reading) properties[property] = reading.value;
        else this.#add([...path, field.key], field.type.allowed, reading.refusals);
      } else if (field.required) {
        const message = `must be ${field.type.allowed}`;
        const issue: Issue = {
          path: [...path, field.key],
          kind: 'missing',
          value,
          message,
          allowed: field.type.allowed,
        };
        this.issues.push(issue);
      }
    }
    this.#refuseUnknownKeys(table, section, path);
    return properties;
  }

  #readMap(table: Table, section: SectionSchema): Record<string, unknown> {
    const type = section.fields['value']?.type;
    if (type === undefined || section.names === undefined) return {};
    const { type: nameType, plural } = section.names;
    const entries: [string, unknown][] = [];
    const names = Object.keys(table).sort();
    const entriesMax = section.entriesMax ?? 0;
    if (names.length > entriesMax) this.#refuse([section.key], table, `at most ${entriesMax} ${plural}`);
    for (const name of names.slice(0, entriesMax)) {
      const path = [section.key, name];
      const wrongName = nameType.check(name, {}).length > 0;
      if (wrongName) {
        const message = `the name must be ${nameType.allowed}`;
        this.issues.push({ path, kind: 'value', value: table[name], message, allowed: nameType.allowed });
      }
      const reading = type.read(table[name], {});
      if ('refusals' in reading) this.#add(path, type.allowed, reading.refusals);
      else if (!wrongName) entries.push([name, reading.value]);
    }
    return Object.fromEntries(entries);
  }

  #refuseUnknownKeys(table: Table, section: SectionSchema, path: IssuePath): void {
    const known = Object.values(section.fields).map((field) => field.key);
    if (section.shape === 'root') known.push(...jobFileSchema.flatMap(({ key }) => (key === '' ? [] : [key])));
    for (const key of Object.keys(table)) {
      if (known.includes(key)) continue;
      const nearest = nearestWord(key, known);
      const suggestion = nearest === undefined ? '' : `; did you mean ${renderValue(nearest)}?`;
      const allowed = `one of ${known.join(', ')}`;
      const message = `is no key of a job file${suggestion} (keys here: ${known.join(', ')})`;
      this.issues.push({ path: [...path, key], kind: 'unknown-key', value: table[key], message, allowed });
    }
  }

  #add(path: IssuePath, allowed: string, refusals: readonly Refusal[]): void {
    for (const { at, value, message } of refusals) {
      this.issues.push({ path: [...path, ...at], kind: 'value', value, message, allowed });
    }
  }

  #refuse(path: IssuePath, value: unknown, allowed: string, hint?: string): void {
    const message = `must be ${allowed}${hint === undefined ? '' : `; ${hint}`}`;
    this.issues.push({ path, kind: 'value', value, message, allowed });
  }
}

/** Defaults that depend on other fields: the only port, and the root path. */
function completeHealth(health: HealthCheck, ports: readonly PortRequest[]): HealthCheck {
  const onPort = health.type === 'http' || health.type === 'tcp';
  const onlyPort = ports.length === 1 ? ports[0]?.name : undefined;
  return {
    ...health,
    port: onPort && health.port === '' ? (onlyPort ?? '') : health.port,
    path: health.type === 'http' && health.path === '' ? '/' : health.path,
  };
}

function withAbsoluteFolder(file: Table, folder: string | undefined): Table {
  const directory = file['working_directory'];
  const relative = typeof directory === 'string' && directory !== '' && !directory.startsWith('/');
  return folder === undefined || !relative ? file : { ...file, working_directory: absolutePath(folder, directory) };
}

function isTable(value: unknown): value is Table {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
