import type { JobSpec } from './job-spec.ts';
import { jobFileSchema } from './schema/job-file-schema.ts';
import { type SetField, setFields } from './set-fields.ts';
import { renderKey, renderValue } from './toml-text.ts';

/**
 * The specification as the text of a job file with every default written out. Reading it gives the same specification,
 * and equal specifications give the same text.
 */
export function renderJobFile(spec: JobSpec): string {
  const fields = setFields(spec);
  const parts = jobFileSchema.flatMap(({ key, shape }) => {
    const own = fields.filter(({ path }) =>
      shape === 'root' ? path.length === 1 : path.length > 1 && path[0] === key,
    );
    if (own.length === 0) return [];
    if (shape === 'root') return [renderLines(own)];
    if (shape !== 'list') return [`[${key}]\n${renderLines(own)}`];
    const entries = Map.groupBy(own, ({ path }) => path[1]);
    return [...entries.values()].map((entry) => `[[${key}]]\n${renderLines(entry)}`);
  });
  return parts.join('\n');
}

function renderLines(fields: readonly SetField[]): string {
  return fields.map(({ path, value }) => `${renderKey(String(path.at(-1)))} = ${renderValue(value)}\n`).join('');
}
