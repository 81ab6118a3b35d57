import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const MAIN = join(import.meta.dirname, 'main.ts');
let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cell-conformance-'));
  mkdirSync(join(directory, 'quorum'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function run(): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, directory], { encoding: 'utf8' });
}

test('all transcripts below the folder are run, and all pass', () => {
  writeFileSync(join(directory, 'quorum', 'vote.txt'), 'vote cfg=(1) votes=(y)\n----\nVoteWon\n');
  const { status, stdout } = run();
  expect(stdout).toBe('1 of 1 transcripts pass (1 commands)\n');
  expect(status).toBe(0);
});

test('a difference is printed with both outputs, and the exit code is 1', () => {
  writeFileSync(join(directory, 'quorum', 'vote.txt'), 'vote cfg=(1) votes=(y)\n----\nVoteLost\n');
  const { status, stdout } = run();
  expect(stdout).toContain('quorum/vote.txt:1: vote cfg=(1) votes=(y)\n--- expected\nVoteLost\n--- actual\nVoteWon\n');
  expect(stdout).toContain('0 of 1 transcripts pass');
  expect(status).toBe(1);
});

test('no transcripts at all is a failure', () => {
  const { status, stderr } = run();
  expect(stderr).toContain('nothing was checked');
  expect(status).toBe(1);
});
