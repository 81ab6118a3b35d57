import { expect, test } from 'vitest';
import { defineCommand } from './command-spec.ts';
import { parseWords } from './parse-words.ts';

const command = defineCommand({
  path: ['thing', 'show'],
  summary: 'a thing',
  arguments: { THING: { summary: 'its name' }, SHELL: { summary: 'a shell', optional: true, choices: ['bash'] } },
  flags: {
    follow: { kind: 'switch', short: 'f', summary: 'go on' },
    lines: { kind: 'count', short: 'n', value: 'N', min: 1, max: 100, summary: 'lines' },
    output: { kind: 'choice', short: 'o', choices: ['table', 'json'], default: 'table', summary: 'format' },
    within: { kind: 'duration', min: '1s', max: '1h', default: '5s', summary: 'limit' },
    job: { kind: 'text', value: 'JOB', summary: 'a job' },
  },
  examples: [],
  run: async () => 0,
});

const defaults = { follow: false, lines: undefined, output: 'table', within: 5_000, job: undefined };

test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ['web', { THING: 'web' }, {}],
  ['web bash', { THING: 'web', SHELL: 'bash' }, {}],
  ['-f web', { THING: 'web' }, { follow: true }],
  ['web -n 5 -o json', { THING: 'web' }, { lines: 5, output: 'json' }],
  ['-fn5 web', { THING: 'web' }, { follow: true, lines: 5 }],
  ['web --lines=7 --within 90s', { THING: 'web' }, { lines: 7, within: 90_000 }],
  ['--job -x- web --within=1.5s', { THING: 'web' }, { job: '-x-', within: 1_500 }],
  ['-- -web', { THING: '-web' }, {}],
  ['-', { THING: '-' }, {}],
  ['web --address 127.0.0.1:1', { THING: 'web' }, { address: '127.0.0.1:1' }],
  ['-n 5 -n 6 web', { THING: 'web' }, { lines: 6 }],
])('%s', (words, positionals, flags) => {
  const parsed = parseWords(command, words.split(' '));
  expect(parsed.arguments).toEqual({ THING: undefined, SHELL: undefined, ...positionals });
  expect(parsed.flags).toMatchObject({ ...defaults, ...flags });
});

test.each<[string, string]>([
  ['', 'THING is missing: its name; "cellctl thing show --help" shows how'],
  ['a b', 'SHELL has the value "b". It must be one of "bash"; "cellctl thing show --help" shows how'],
  [
    'a bash c',
    '"cellctl thing show" takes THING SHELL only, but "c" is given too; "cellctl thing show --help" shows how',
  ],
  ['a --folow', 'There is no flag "--folow" of "cellctl thing show"; did you mean "--follow"?'],
  ['a --xyzzy', 'There is no flag "--xyzzy" of "cellctl thing show"; "cellctl thing show --help" shows how'],
  ['a -z', 'There is no flag "-z" of "cellctl thing show"; "cellctl thing show --help" shows how'],
  ['a --toString', 'There is no flag "--toString" of "cellctl thing show"; "cellctl thing show --help" shows how'],
  ['a --follow=yes', 'Flag "--follow" takes no value, but has "yes"; "cellctl thing show --help" shows how'],
  ['a --job', 'Flag "--job" needs a value: a text, JOB; "cellctl thing show --help" shows how'],
  ['a --job --follow', 'Flag "--job" needs a value: a text, JOB; "cellctl thing show --help" shows how'],
  [
    'a -o xml',
    'Flag "-o" has the value "xml". It must be one of "table", "json"; "cellctl thing show --help" shows how',
  ],
  [
    'a -n 0',
    'Flag "-n" has the value "0". It must be a whole number from 1 to 100; "cellctl thing show --help" shows how',
  ],
  [
    'a -n 1e1',
    'Flag "-n" has the value "1e1". It must be a whole number from 1 to 100; "cellctl thing show --help" shows how',
  ],
  [
    'a --within 2h',
    'Flag "--within" has the value "2h". It must be a duration from "1s" to "1h"; "cellctl thing show --help" shows how',
  ],
])('"%s" is refused', (words, message) => {
  expect(() => parseWords(command, words === '' ? [] : words.split(' '))).toThrow(message);
});

test('who asks for help needs no arguments', () => {
  expect(parseWords(command, ['-h']).flags['help']).toBe(true);
});
