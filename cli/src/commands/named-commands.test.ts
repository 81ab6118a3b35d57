import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { allCommands } from './all-commands.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const FOLDERS = 'agent cli config control-plane daemon docs examples identity job packaging proto raft sdk'.split(' ');
const TEXTS = /(?<!\.test)\.(?:ts|md|proto|toml|conf|service|postinst|prerm)$/;
/** In quotes, as texts name what to say, with at most two words of letters: commands have no more. */
const NAMED = /["`]cellctl ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?/g;

const paths = allCommands.map(({ path }) => path.join(' '));
const groups = new Set(allCommands.filter(({ path }) => path.length > 1).map(({ path }) => path[0]));

/** What texts call a command, and is none: "cellctl help job" and "cellctl ca" are fine. */
function wrongNames(text: string): string[] {
  return [...text.matchAll(NAMED)]
    .map(([, first = '', second]) => [first, second] as const)
    .filter(([first, second]) => {
      const name = groups.has(first) && second !== undefined ? `${first} ${second}` : first;
      return !paths.includes(name) && !(groups.has(first) && second === undefined);
    })
    .map(([first, second]) => `cellctl ${first} ${second ?? ''}`.trim());
}

test('every command that a message, a page or a comment names is there', () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => TEXTS.test(name) && !name.includes('node_modules'))
      .map((name) => join(folder, name)),
  );
  const wrong = files.flatMap((file) =>
    wrongNames(readFileSync(join(ROOT, file), 'utf8')).map((name) => `${file}: ${name}`),
  );
  expect(files.length).toBeGreaterThan(500);
  expect(wrong).toEqual([]);
});

test('a command that is not there is found, and one that is there is not', () => {
  expect(wrongNames('say "cellctl ca show" or `cellctl frobnicate --now`')).toEqual([
    'cellctl ca show',
    'cellctl frobnicate',
  ]);
  expect(wrongNames('say "cellctl ca status", "cellctl ca", "cellctl login --address x", "cellctl whoami"')).toEqual(
    [],
  );
});
