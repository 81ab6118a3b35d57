import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobSpec } from '@cell/job';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JOB_FILE_BYTES_MAX, parseJobFile } from './parse-job-file.ts';

const wrongFile = join(import.meta.dirname, 'testing/wrong.toml');
const minimal = 'name = "a"\ncommand = ["b"]\n';

function problemsOf(text: string, fileName = '/srv/jobs/web.toml'): string[] {
  const parsing = parseJobFile(text, fileName);
  return 'problems' in parsing ? parsing.problems.map((problem) => problem.text) : [];
}

function specOf(text: string, fileName = '/srv/jobs/web.toml'): JobSpec {
  const parsing = parseJobFile(text, fileName);
  if ('problems' in parsing) throw new Error(parsing.problems.map((problem) => problem.text).join('\n'));
  return parsing.spec;
}

test('a file that is wrong in many ways gets all of them at once, in the order of its lines', async () => {
  const problems = problemsOf(readFileSync(wrongFile, 'utf8'), wrongFile);
  await expect(`${problems.join('\n')}\n`).toMatchFileSnapshot('testing/wrong.txt');
});

test('every line that is marked as wrong is named, and no other', () => {
  const text = readFileSync(wrongFile, 'utf8');
  const marked = text.split('\n').flatMap((line, index) => (/# \d+$/.test(line) ? [index + 1] : []));
  const parsing = parseJobFile(text, wrongFile);
  const named = 'problems' in parsing ? parsing.problems.map((problem) => problem.line) : [];
  // With a port's name missing, it can't be told whether health.port and command[2] name ports that are there.
  expect([...new Set(named)]).toStrictEqual(marked);
});

test('a problem says line, column, key and value as they were written', () => {
  const text = `${minimal}\n[resources]\r\n  memory = "12\\u0020potatoes" # none\n`;
  const parsing = parseJobFile(text, '/srv/jobs/web.toml');
  expect('problems' in parsing && parsing.problems).toMatchObject([
    { file: 'web.toml', line: 5, column: 3, key: 'resources.memory', value: '"12\\u0020potatoes"' },
  ]);
});

test('tables may be written with headers, dots or inline', () => {
  const headers = specOf(`${minimal}[resources]\ncpu = 2\n[[ports]]\nname = "http"\n[health]\ntype = "http"\n`);
  const short = 'resources.cpu = 2\nports = [{ name = "http" }]\nhealth = { type = "http" }\n';
  expect(specOf(minimal + short)).toStrictEqual(headers);
});

test('a relative working directory starts from the folder of the file, and standard input has none', () => {
  const text = `${minimal}working_directory = "site"\n`;
  expect(specOf(text).workingDirectory).toBe('/srv/jobs/site');
  expect(problemsOf(text, '-')).toStrictEqual([
    'stdin:3: working_directory = "site": must be an absolute path of at most 4,096 bytes',
  ]);
});

test.each([
  ['a value without quotes', 'name = web\n', 'web.toml:1: name = web: is no TOML value'],
  ['an open string', 'name = "web\n', 'web.toml:1: name = "web: has a string that is not closed'],
  ['an open list', 'command = ["a",\ncount = 2\n', 'web.toml:1: command = ["a",: has a value that is not closed'],
  ['an open header', '[health\ntype = "tcp"\n', 'web.toml:1: [health: is a header that is not closed'],
  ['no value', '\nname =\ncount = 2\n', 'web.toml:2: name: has no value'],
  ['no equals sign', 'name "web"\n', 'web.toml:1: name "web": must be key = value'],
  ['a key twice', 'count = 1\ncount = 2\n', 'web.toml:2: count = 2: is there already; each may stand only once'],
  ['a table twice', '[stop]\ntimeout = "1s"\n[stop]\n', 'web.toml:3: [stop]: is there already'],
  ['two statements on a line', 'count = 1 type = "batch"\n', 'web.toml:1: count = 1 type = "batch": must end its line'],
])('%s is one problem, with its line', (_, text, problem) => {
  const problems = problemsOf(text);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(problem);
});

test('mistakes in the syntax hide no other problems, and bring up no false ones', () => {
  const text = [
    'name = web', // syntax
    'count = 2',
    'count = 3', // twice
    'comand = ["x"]', // unknown; that command is missing can't be told
    '[health', // syntax; its table goes with it
    'type = "tcp"',
    '[resources]',
    'cpu = "2"', // value
    '[restart]',
    'mode = "never', // syntax
    'window = 5', // value
  ].join('\n');
  const parsing = parseJobFile(text, '/web.toml');
  const lines = 'problems' in parsing ? parsing.problems.map((problem) => problem.line) : [];
  expect(lines).toStrictEqual([1, 3, 4, 5, 8, 10, 11]);
});

test.each([
  ['a hundred thousand nested lists', `a = ${'['.repeat(100_000)}`],
  ['lists nested as deep as can be read', `a = ${'['.repeat(2_000)}${']'.repeat(2_000)}`],
  ['a string of almost a mebibyte', `${minimal}user = "${'x'.repeat(JOB_FILE_BYTES_MAX - 100)}"`],
  ['tens of thousands of mistakes', 'a =\n'.repeat(16_000)],
  ['tens of thousands of unknown keys', Array.from({ length: 20_000 }, (_, index) => `k${index} = 1\n`).join('')],
  ['a file over the limit', '#'.repeat(JOB_FILE_BYTES_MAX + 1)],
  ['an empty file', ''],
  ['no text', '\0\u0001\ufffd'],
])('%s gets a problem with a line', (_, text) => {
  const problems = problemsOf(text);
  expect(problems.length).toBeGreaterThan(0);
  expect(problems[0]).toMatch(/^web\.toml:\d+: /);
});

test('any text is read or refused, never a crash, and each problem is one short line', () => {
  const scraps = [
    'name',
    '=',
    '"',
    '[',
    ']',
    '[[ports]]',
    '\n',
    '{',
    '}',
    ',',
    '#',
    '1',
    'command',
    '.',
    "'''",
    '\u001b',
    'é',
  ];
  const text = fc.array(fc.oneof(fc.constantFrom(...scraps), fc.string({ maxLength: 3 })), { maxLength: 30 });
  fc.assert(
    fc.property(text, (parts) => {
      for (const problem of problemsOf(parts.join(''))) {
        expect(problem).toMatch(/^web\.toml:\d+: [^\n\r]+$/);
        expect(problem.length).toBeLessThan(500);
      }
    }),
    { numRuns: 500 },
  );
});

test('a byte order mark and lines that end in CR LF are no problem', () => {
  expect(specOf(`\ufeff${minimal.replaceAll('\n', '\r\n')}`).name).toBe('a');
});

test('a long line that is no statement is looked at once, and not again from each of its characters', () => {
  const before = process.cpuUsage();
  expect(problemsOf(`${minimal}x = [\n${'a.'.repeat(50_000)}\n`)).toHaveLength(1);
  // Some milliseconds; or more than this, by far, on any machine.
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(5_000);
});
