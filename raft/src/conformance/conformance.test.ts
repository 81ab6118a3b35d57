import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { findTranscripts } from './find-transcripts.ts';
import { runTranscript } from './run-transcript.ts';

/** Another project's data, so not part of this repository: it lies beside it where it was laid. */
const DIRECTORY = join(import.meta.dirname, '../../../../shared/conformance/raft');

if (existsSync(DIRECTORY)) {
  const paths = findTranscripts(DIRECTORY);

  test('there are transcripts', () => {
    expect(paths.length).toBeGreaterThan(0);
  });

  test.each(paths.map((path) => ({ path, name: relative(DIRECTORY, path) })))('transcript $name', ({ path }) => {
    const { commands, differences } = runTranscript(readFileSync(path, 'utf8'));
    expect(commands).toBeGreaterThan(0);
    for (const { directive, actual } of differences) {
      expect(actual, `line ${directive.line}: ${directive.command}`).toBe(directive.expected);
    }
  });
} else {
  test(`transcripts of the reference implementation (there is no folder '${DIRECTORY}')`, (context) => {
    context.skip(`there is no folder '${DIRECTORY}'`);
  });
}
