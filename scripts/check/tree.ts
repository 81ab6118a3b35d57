/** Checks names, lengths and words of all files that are, or would be, in the repository. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { findTreeProblems, isWritten, lineCount, type SourceFile } from './tree-rules.ts';

const FILE_BYTES_MAX = 1024 * 1024;
const LONG_FILE_LINES = 300;

function readTree(root: string): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\0')
    .filter((path) => path !== '')
    .filter((path) => {
      const stat = statSync(resolve(root, path), { throwIfNoEntry: false });
      return stat?.isFile() === true && stat.size <= FILE_BYTES_MAX;
    })
    .map((path) => ({ path, text: readFileSync(resolve(root, path), 'utf8') }));
}

function summarize(files: readonly SourceFile[]): string {
  const lengths = files
    .filter((file) => isWritten(file.path))
    .map(lineCount)
    .toSorted((left, right) => left - right);
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0;
  const long = lengths.filter((length) => length > LONG_FILE_LINES).length;
  return `${lengths.length} TypeScript files, median ${median} lines, ${long} over ${LONG_FILE_LINES}`;
}

const files = readTree(process.cwd());
const problems = findTreeProblems(files);
for (const problem of problems) process.stdout.write(`${problem}\n`);
process.stdout.write(`${summarize(files)}\n`);
if (problems.length > 0 || files.length === 0) process.exitCode = 1;
