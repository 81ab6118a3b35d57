/**
 * Runs every transcript below a folder against our core and prints each difference:
 *
 *   node raft/src/conformance/main.ts DIRECTORY
 *
 * Exits with 1 if anything differs, or if there are no transcripts, which would prove nothing.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { findTranscripts } from './find-transcripts.ts';
import type { Difference } from './run-transcript.ts';
import { runTranscript } from './run-transcript.ts';

function main(directory: string | undefined): number {
  if (directory === undefined) {
    console.error('Usage: node raft/src/conformance/main.ts DIRECTORY');
    return 1;
  }
  let paths: string[];
  try {
    paths = findTranscripts(directory);
  } catch (error) {
    console.error(`Can't read the folder '${directory}': ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
  if (paths.length === 0) {
    console.error(`No transcripts (*.txt) below '${directory}': nothing was checked`);
    return 1;
  }
  let commands = 0;
  let failed = 0;
  for (const path of paths) {
    const result = runFile(path);
    commands += result.commands;
    for (const text of result.differences) console.log(`${relative(directory, path)}:${text}`);
    if (result.differences.length > 0) failed++;
  }
  console.log(`${paths.length - failed} of ${paths.length} transcripts pass (${commands} commands)`);
  return failed === 0 ? 0 : 1;
}

function runFile(path: string): { commands: number; differences: readonly string[] } {
  try {
    const { commands, differences } = runTranscript(readFileSync(path, 'utf8'));
    return { commands, differences: differences.map(differenceText) };
  } catch (error) {
    return { commands: 0, differences: [` ${error instanceof Error ? error.message : String(error)}\n`] };
  }
}

function differenceText({ directive, actual }: Difference): string {
  const { line, command, args, expected } = directive;
  const words = [
    command,
    ...args.map(({ key, values }) => (values.length === 0 ? key : `${key}=(${values.join(',')})`)),
  ];
  return `${line}: ${words.join(' ')}\n--- expected\n${expected}--- actual\n${actual}`;
}

process.exitCode = main(process.argv[2]);
