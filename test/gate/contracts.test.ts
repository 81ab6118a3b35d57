import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const CONTRACT =
  'syntax = "proto3";\n\npackage planted.v1;\n\n// Planted.\nmessage Planted {\n  // Planted.\n  string name = 1;\n}\n';
const environment = {
  ...process.env,
  PATH: [join(REPOSITORY, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
};

let root = '';

function script(name: string, argument: string): { exitCode: number | null; output: string } {
  const command = [join(REPOSITORY, 'scripts/check', name), argument];
  const result = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', env: environment });
  return { exitCode: result.status, output: result.stdout + result.stderr };
}

function git(...command: string[]): void {
  const identity = ['-c', 'user.name=Planted', '-c', 'user.email=planted@localhost', '-c', 'commit.gpgsign=false'];
  execFileSync('git', [...identity, ...command], { cwd: root, stdio: 'ignore' });
}

function writeContract(text: string): void {
  mkdirSync(join(root, 'proto/planted/v1'), { recursive: true });
  writeFileSync(join(root, 'proto/planted/v1/planted.proto'), text);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cell-contracts-'));
  mkdirSync(join(root, 'proto'));
  for (const file of ['buf.yaml', 'buf.gen.yaml']) cpSync(join(REPOSITORY, 'proto', file), join(root, 'proto', file));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

test('generated code that is current passes, and nothing is written', () => {
  writeContract(CONTRACT);
  execFileSync('buf', ['generate'], { cwd: join(root, 'proto'), env: environment });
  git('init', '--quiet');
  git('add', '.');
  expect(script('generated.ts', 'proto')).toEqual({ exitCode: 0, output: '' });
  expect(execFileSync('git', ['status', '--short'], { cwd: root, encoding: 'utf8' })).not.toMatch(/^.[MD?]/m);
});

test('generated code that was edited, left behind or not made is named', () => {
  writeContract(CONTRACT);
  execFileSync('buf', ['generate'], { cwd: join(root, 'proto'), env: environment });
  const generated = join(root, 'proto/src/gen/planted/v1/planted_pb.ts');
  appendFileSync(generated, '// edited\n');
  writeFileSync(join(root, 'proto/src/gen/left_pb.ts'), '');
  const edited = script('generated.ts', 'proto');
  expect(edited.exitCode).toBe(1);
  expect(edited.output).toContain('planted/v1/planted_pb.ts is not what the contracts say');
  expect(edited.output).toContain('left_pb.ts is not what the contracts say');

  rmSync(generated);
  expect(script('generated.ts', 'proto').output).toContain('planted/v1/planted_pb.ts is not what the contracts say');
});

test('the first contracts break nothing', () => {
  git('init', '--quiet');
  git('commit', '--quiet', '--allow-empty', '--message', 'Begin');
  writeContract(CONTRACT);
  expect(script('breaking.ts', '.')).toEqual({
    exitCode: 0,
    output: 'nothing to compare with: there are no contracts at HEAD\n',
  });
});

test('a changed field type is caught against the last commit, and after a release against that', () => {
  git('init', '--quiet');
  writeContract(CONTRACT);
  git('add', '.');
  git('commit', '--quiet', '--message', 'Begin');
  expect(script('breaking.ts', '.').exitCode).toBe(0);

  writeContract(CONTRACT.replace('string name', 'int32 name'));
  expect(script('breaking.ts', '.')).toMatchObject({
    exitCode: 1,
    output: expect.stringContaining('changed type') as string,
  });

  git('tag', 'v0.1.0');
  git('commit', '--quiet', '--all', '--message', 'Change the field');
  expect(script('breaking.ts', '.')).toMatchObject({
    exitCode: 1,
    output: expect.stringContaining('compared with v0.1.0') as string,
  });
});
