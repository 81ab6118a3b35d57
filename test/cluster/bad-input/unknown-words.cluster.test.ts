import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

const PROGRAMS = resolve(import.meta.dirname, '../../../bin');

function run(program: string, words: readonly string[]): Promise<{ exitCode: number; output: string; errors: string }> {
  return new Promise((done) => {
    execFile(resolve(PROGRAMS, program), words, (error, output, errors) => {
      done({ exitCode: error === null ? 0 : Number(error.code), output, errors });
    });
  });
}

test.each([
  ['cell-control-plane', ['frobnicate'], /^CELL_E_CONFIG: .*frobnicate.*--help"?\n$/],
  ['cell-control-plane', ['--frobnicate'], /^CELL_E_CONFIG: .*--frobnicate.*--help"?\n$/],
  ['cell-agent', ['frobnicate'], /^CELL_E_CONFIG: .*frobnicate.*--help"?\n$/],
  ['cell-agent', ['--frobnicate'], /^CELL_E_CONFIG: .*--frobnicate.*--help"?\n$/],
  [
    'cell-agent',
    ['--config', '/nowhere/agent.toml'],
    /^CELL_E_CONFIG: .*"?\/nowhere\/agent\.toml"?.*no such file.*\n$/,
  ],
  ['cellctl', ['frobnicate'], /^CELL_E_USAGE: .*frobnicate.*--help.*\n$/],
  ['cellctl', ['--frobnicate'], /^CELL_E_USAGE: .*--frobnicate.*--help.*\n$/],
])('%s %j is refused with one line that has a code', async (program, words, errors) => {
  expect(await run(program, words)).toEqual({ exitCode: 1, output: '', errors: expect.stringMatching(errors) });
});
