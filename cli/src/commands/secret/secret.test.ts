import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runCellctl } from '../../testing/run-cellctl.ts';

const VALUE = 'hunter2-and-more';

function storing() {
  const values: Buffer[] = [];
  const setSecret = ({ name, value }: { name: string; value: Uint8Array }) => {
    values.push(Buffer.from(value));
    return { secret: { name, version: 2, jobs: ['web'] } };
  };
  return { values, handlers: { setSecret } };
}

test('a value comes from standard input, byte for byte, and is shown nowhere', async () => {
  const { values, handlers } = storing();
  const result = await runCellctl(['secret', 'set', 'password'], handlers, { input: `${VALUE}\n` });
  expect(values.map(String)).toEqual([`${VALUE}\n`]);
  expect(result).toMatchObject({
    exitCode: 0,
    output: 'Secret "password" has version 2, 17 bytes; used by web from their next start\n',
    errors: '',
  });
});

test('a person is asked for the value', async () => {
  const { values, handlers } = storing();
  const options = { input: VALUE, terminalColumns: 80 };
  const result = await runCellctl(['secret', 'set', 'password'], handlers, options);
  expect(values.map(String)).toEqual([VALUE]);
  expect(result.errors).toBe('Value of secret "password" (it is not shown): \n');
  expect(result.output).not.toContain(VALUE);
});

test('a value comes from a file that need not be text', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cellctl-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const bytes = Buffer.from([0, 255, 10, 128]);
  writeFileSync(join(folder, 'key'), bytes);
  const { values, handlers } = storing();
  const words = ['secret', 'set', 'key', '--file', 'key', '--namespace', 'team-a'];
  expect(await runCellctl(words, handlers, { currentFolder: folder })).toMatchObject({ exitCode: 0 });
  expect(values).toEqual([bytes]);
});

test.each([
  ['as an argument', ['secret', 'set', 'a', VALUE], '', /^CELL_E_USAGE: .* takes NAME only/],
  ['of no byte', ['secret', 'set', 'a'], '', /^CELL_E_USAGE: The value of secret "a" is empty/],
  ['that is too large', ['secret', 'set', 'a', '--file', '-'], 'x'.repeat(65_537), /^CELL_E_FILE: The value has more/],
  [
    'that is not there',
    ['secret', 'set', 'a', '--file', 'none'],
    '',
    /^CELL_E_FILE: Could not read the value in .*none"/,
  ],
])('a value %s is refused', async (_what, words, input, message) => {
  const { values, handlers } = storing();
  const result = await runCellctl(words, handlers, { input });
  expect(result).toMatchObject({ exitCode: 1, output: '' });
  expect(result.errors).toMatch(message);
  expect(values).toEqual([]);
});

test.each([
  [['web', 'api'], 'Secret "password" is removed; still named by web, api, which can not start without it\n'],
  [[], 'Secret "password" is removed\n'],
])('who removes a secret that %j name is told so', async (jobs, output) => {
  const secrets = [
    { namespace: 'team-a', name: 'password', jobs: ['other'] },
    { namespace: 'default', name: 'password', jobs },
  ];
  const handlers = { listSecrets: () => ({ secrets }), removeSecret: () => ({}) };
  expect(await runCellctl(['secret', 'remove', 'password'], handlers)).toMatchObject({ exitCode: 0, output });
});
