import type { Issue, IssuePath } from './issue.ts';
import type { JobSpec } from './job-spec.ts';

/** An issue, and the fields that it was drawn from. */
export interface Conflict {
  readonly issue: Issue;
  readonly because: readonly IssuePath[];
}

export type Rule = (spec: JobSpec) => readonly Conflict[];

export function conflict(path: IssuePath, value: unknown, allowed: string, because: readonly IssuePath[]): Conflict {
  return { issue: { path, kind: 'conflict', value, message: `must be ${allowed}`, allowed }, because };
}

export function missing(path: IssuePath, allowed: string, because: readonly IssuePath[]): Conflict {
  return { issue: { path, kind: 'missing', value: undefined, message: `must be ${allowed}`, allowed }, because };
}
