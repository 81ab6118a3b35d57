import { basename, dirname, isAbsolute } from 'node:path';
import { cutText, describeIssue, type Issue, type JobSpec, parseJob, renderPath, renderValue } from '@cell/job';
import { findTomlMistakes, type TomlMistake } from './find-toml-mistakes.ts';
import { findPlace, type TomlDocument } from './toml-document.ts';

/** Longest job file, in bytes of UTF-8. */
export const JOB_FILE_BYTES_MAX = 1024 * 1024;
const VALUE_LENGTH_MAX = 60;

/** One thing that is wrong with a job file. */
export interface JobFileProblem {
  /** Name of the file without its folder; "stdin" for standard input. */
  readonly file: string;
  /** Counted from 1, as the column is. */
  readonly line: number;
  readonly column: number;
  /** As in the file, such as `ports[0].port`; empty if the file as a whole is wrong. */
  readonly key: string;
  /** As it was written, cut short; empty for what is missing. */
  readonly value: string;
  /** What is wrong, and what is allowed. */
  readonly message: string;
  /** All of it on one line: `web.toml:7: resources.memory = "12 potatoes": must be a size such as "512MiB" (…)`. */
  readonly text: string;
}

export type JobFileParsing = { readonly spec: JobSpec } | { readonly problems: readonly JobFileProblem[] };

/**
 * Reads the text of a job file.
 *
 * @param fileName absolute path of the file, which relative working directories start from; "-" for standard input
 * @returns the specification with all defaults filled in, or every problem of the file in the order of its lines
 */
export function parseJobFile(text: string, fileName: string): JobFileParsing {
  const file = fileName === '-' ? 'stdin' : basename(fileName);
  const bytes = Buffer.byteLength(text);
  if (bytes > JOB_FILE_BYTES_MAX) return { problems: [tooLong(file, bytes)] };
  const { mistakes, document } = findTomlMistakes(withoutByteOrderMark(text));
  const parsing = document === undefined ? { issues: [] } : parseJob(document.value, folderOf(fileName));
  if ('spec' in parsing && mistakes.length === 0) return { spec: parsing.spec };
  const issues = 'issues' in parsing ? parsing.issues : [];
  // With statements left out, what is missing or doesn't fit together may be in them.
  const certain = issues.filter(({ kind }) => mistakes.length === 0 || kind === 'value' || kind === 'unknown-key');
  const problems = [
    ...mistakes.map((mistake) => mistakeProblem(file, mistake)),
    ...(document === undefined ? [] : certain.map((issue) => issueProblem(file, issue, document))),
  ];
  return { problems: problems.sort((one, other) => one.line - other.line || one.column - other.column) };
}

function folderOf(fileName: string): { folder?: string } {
  return isAbsolute(fileName) ? { folder: dirname(fileName) } : {};
}

function withoutByteOrderMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function tooLong(file: string, bytes: number): JobFileProblem {
  const message = `must be at most ${JOB_FILE_BYTES_MAX} bytes long, it has ${bytes}`;
  return { file, line: 1, column: 1, key: '', value: '', message, text: `${file}:1: The file ${message}` };
}

function mistakeProblem(file: string, { line, column, key, value, message }: TomlMistake): JobFileProblem {
  const shown = cutText(key, VALUE_LENGTH_MAX);
  const cut = cutText(value, VALUE_LENGTH_MAX);
  const text = `${file}:${line}: ${shown}${cut === '' ? '' : ` = ${cut}`}: ${message}`;
  return { file, line, column, key: shown, value: cut, message, text };
}

function issueProblem(file: string, issue: Issue, document: TomlDocument): JobFileProblem {
  const { line, column } = findPlace(document.place, issue.path);
  const written = exactWriting(issue, document);
  const shown = issue.kind === 'missing' ? '' : cutText(written ?? renderValue(issue.value), VALUE_LENGTH_MAX);
  const text = `${file}:${line}: ${describeIssue(written === undefined ? issue : { ...issue, written })}`;
  return { file, line, column, key: renderPath(issue.path), value: shown, message: issue.message, text };
}

/** The value as the person wrote it; undefined if it is not in the file as such. */
function exactWriting(issue: Issue, document: TomlDocument): string | undefined {
  const parent = findPlace(document.place, issue.path.slice(0, -1));
  return parent.children.get(issue.path.at(-1) ?? '')?.written;
}
