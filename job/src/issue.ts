import { renderKey, renderValue } from './toml-text.ts';

/** Where in a job file: keys, and positions in lists counted from 0, such as `['ports', 0, 'port']`. */
export type IssuePath = readonly (string | number)[];

/**
 * value: something is there and is wrong. missing: something is not there and must be. unknown-key: there is no such
 * key. conflict: each value is right by itself, but they don't fit together.
 */
export type IssueKind = 'value' | 'missing' | 'unknown-key' | 'conflict';

/** One thing that is wrong with a job. */
export interface Issue {
  readonly path: IssuePath;
  readonly kind: IssueKind;
  /** As it would stand in a job file; undefined for what is missing. */
  readonly value: unknown;
  /** The value in the person's own writing, where it is known; in messages it stands for `value`. */
  readonly written?: string;
  /** Goes on after the key and value: `must be …`. No full stop. */
  readonly message: string;
  /** What may stand there: `a size such as "512MiB" (…)`. */
  readonly allowed: string;
}

/** Longest text of a value in a message, in characters. */
const VALUE_TEXT_MAX = 60;

/** One issue as a person reads it: `resources.memory = "12 potatoes": must be a size such as "512MiB" (…)`. */
export function describeIssue(issue: Issue): string {
  const path = renderPath(issue.path);
  if (issue.kind === 'missing') return `${path} is missing: ${issue.message}`;
  const text = cutText(issue.written ?? renderValue(issue.value), VALUE_TEXT_MAX);
  return path === '' ? issue.message : `${path} = ${text}: ${issue.message}`;
}

/** A path as people write it: `ports[0].port`. */
export function renderPath(path: IssuePath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += (text === '' ? '' : '.') + renderKey(part);
  }
  return text;
}

/** The beginning of the text, on one line. */
export function cutText(text: string, lengthMax: number): string {
  const line = text.split(/\r?\n/u, 1)[0] ?? '';
  if (line === text && text.length <= lengthMax) return text;
  return `${line.slice(0, lengthMax)}…`;
}
