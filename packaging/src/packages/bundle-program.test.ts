import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bundleProgram, PROGRAMS } from './bundle-program.ts';
import { npmPart } from './foreign-parts.ts';

const program = PROGRAMS[0];

let root = '';

/** A repository with one program of two files, and one npm package. */
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'cell-bundle-')));
  write('agent/package.json', '{"version": "0.1.0", "type": "module"}');
  write(
    'agent/src/main.ts',
    `import { join } from 'node:path';
import { answer } from 'answers';
import manifest from '../package.json' with { type: 'json' };
const asset: string = join(import.meta.dirname, 'words.sh');
console.log(JSON.stringify([manifest.version, answer(), asset]));\n`,
  );
  write('agent/src/words.sh', '#!/bin/sh\n');
  write(
    'node_modules/answers/package.json',
    '{"name": "answers", "version": "2.0.0", "license": "MIT", "type": "module"}',
  );
  write(
    'node_modules/answers/index.js',
    '// Copyright 2020 A. Person\n// As is.\nexport const answer = () => globalThis.process ? 42 : 0;\n',
  );
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

async function bundle() {
  const file = join(root, 'out/agent.mjs');
  mkdirSync(dirname(file), { recursive: true });
  return { file, ...(await bundleProgram({ root, program, version: '9.8.7', file })) };
}

test('a bundle runs without its sources and packages, and says the version that it was built as', async () => {
  const { file, assets } = await bundle();
  rmSync(join(root, 'node_modules'), { recursive: true });
  rmSync(join(root, 'agent'), { recursive: true });
  const { stdout } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  expect(JSON.parse(stdout)).toEqual(['9.8.7', 42, join(root, 'out/words.sh')]);
  expect(assets).toEqual(['words.sh']);
  expect(statSync(join(root, 'out/words.sh')).mode & 0o777).toBe(0o755);
});

test('a bundle names nothing of where it was made', async () => {
  const { file } = await bundle();
  expect(readFileSync(file, 'utf8')).not.toContain(root);
});

test('notices of a package without a licence file come from its sources', async () => {
  const { packages } = await bundle();
  expect(packages.map(npmPart)).toEqual([
    {
      source: 'node_modules/answers/*',
      version: '2.0.0',
      license: 'MIT',
      text: 'Copyright 2020 A. Person\nAs is.',
    },
  ]);
});

test('a package without any notice is refused', async () => {
  write('node_modules/answers/index.js', 'export const answer = () => globalThis.process.pid;\n');
  const { packages } = await bundle();
  expect(() => packages.map(npmPart)).toThrow('Cannot ship "answers", which has no notice of its licence "MIT"');
});

test('a program that imports what is not there is refused', async () => {
  write(
    'node_modules/answers/index.js',
    "import { answer as other } from 'missing';\nexport const answer = () => other();\n",
  );
  await expect(bundle()).rejects.toThrow(/missing/);
});

test('a program that asks where its source is for more than a file beside it is refused', async () => {
  write('agent/src/main.ts', 'console.log(import.meta.url);\n');
  await expect(bundle()).rejects.toThrow(/of "import\.meta" only/);
});
