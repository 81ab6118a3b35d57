import { renderPath } from './issue.ts';
import type { JobSpec } from './job-spec.ts';
import { jobFileSchema } from './schema/job-file-schema.ts';
import { setFields } from './set-fields.ts';
import { renderValue } from './toml-text.ts';

/** One field that differs, written as in a job file. */
export interface FieldChange {
  /** Such as `resources.memory`, `environment.LANG` or `ports[0].port`. */
  readonly path: string;
  /** Empty if there was none. */
  readonly before: string;
  /** Empty if there is none. */
  readonly after: string;
}

/**
 * What changes from one specification to the other, in the order of the job file; every field that is set for a new
 * job. Empty exactly if both mean the same.
 */
export function diffSpecs(before: JobSpec | undefined, after: JobSpec): readonly FieldChange[] {
  const old = before === undefined ? new Map<string, string>() : flattenSpec(before);
  const now = flattenSpec(after);
  // Paths of the new specification come in its order, those that are gone stand where they stood.
  const paths = [...new Set([...now.keys(), ...old.keys()])].sort((one, other) => place(one) - place(other));
  return paths
    .map((path) => ({ path, before: old.get(path) ?? '', after: now.get(path) ?? '' }))
    .filter((change) => change.before !== change.after);
}

/** The section's place in the schema: sorting is stable, so all else keeps its order. */
function place(path: string): number {
  const key = /^[^.[]*/.exec(path)?.[0] ?? '';
  return Math.max(
    0,
    jobFileSchema.findIndex((section) => section.key === key),
  );
}

/** Every field that is set, with its text, by its path. */
function flattenSpec(spec: JobSpec): Map<string, string> {
  const fields = new Map<string, string>();
  for (const { path, value } of setFields(spec)) fields.set(renderPath(path), renderValue(value));
  return fields;
}
