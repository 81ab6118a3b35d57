import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { allCommands } from '../commands/all-commands.ts';
import { findCommand } from './find-command.ts';
import { parseWords } from './parse-words.ts';
import { referencePage } from './reference-page.ts';

const page = new URL('../../../docs/cellctl.md', import.meta.url);

test('docs/cellctl.md is current; "bin/cellctl __reference >docs/cellctl.md" makes it so', () => {
  expect(readFileSync(page, 'utf8')).toBe(referencePage(allCommands));
});

const examples = allCommands.flatMap((command) =>
  command.examples.map((example) => [example.command, command] as const),
);

test.each(examples.filter(([line]) => line.startsWith('cellctl ')))('the example "%s" is right', (line, command) => {
  // What is in quotes is one word, as for a shell.
  const words = [...line.replace(/ [<>|].*$/u, '').matchAll(/(?:"[^"]*"|\S)+/gu)].map(([word]) => word).slice(1);
  const found = findCommand(allCommands, words);
  expect('command' in found && found.command.path).toEqual(command.path);
  expect(() => parseWords(command, found.words)).not.toThrow();
});
