import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runAlone, runCellctl } from '../../testing/run-cellctl.ts';

const handlers = {
  listJobs: () => ({ jobs: [{ spec: { name: 'web' } }, { spec: { name: 'worker' } }, { spec: { name: 'batch' } }] }),
};

test('names come from the fleet, as far as they fit what is typed', async () => {
  const result = await runCellctl(['__complete', '--', 'job', 'show', 'w'], handlers);
  expect(result.output).toBe('web\nworker\n');
});

test('flags of the command are words like others here', async () => {
  expect((await runAlone(['__complete', '--', 'job', 'run', '--de'])).output).toBe('--detach\n');
});

test('without a control plane there are no names, and no complaint', async () => {
  const result = await runAlone(['__complete', '--', 'job', 'show', ''], { environment: { CELL_ADDR: '127.0.0.1:1' } });
  expect(result).toEqual({ exitCode: 0, output: '', errors: '' });
});

test('bash completes with what cellctl says, words with spaces and files included', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cellctl-completion-'));
  try {
    const { output: script } = await runAlone(['completion', 'bash']);
    writeFileSync(join(folder, 'script.bash'), script);
    writeFileSync(join(folder, 'web.toml'), '');
    writeFileSync(
      join(folder, 'cellctl'),
      '#!/bin/sh\nprintf "%s|" "$@" >>"$0.calls"\ncase "$*" in *run*) echo __file__;; *) echo web; echo worker;; esac\n',
    );
    chmodSync(join(folder, 'cellctl'), 0o755);
    const complete = (words: string) => {
      const count = words.split(' ').length - 1;
      const test = `source script.bash; COMP_WORDS=(${words.replace(/ $/, " ''")}); COMP_CWORD=${count}; _cellctl; echo "\${COMPREPLY[@]}"`;
      const environment = { PATH: `${folder}:${process.env['PATH']}` };
      return spawnSync('bash', ['-c', test], { cwd: folder, encoding: 'utf8', env: environment }).stdout.trim();
    };
    expect(complete('cellctl job show ')).toBe('web worker');
    expect(complete('cellctl job run we')).toBe('web.toml');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each(['bash', 'zsh', 'fish'])('the script for %s names itself', async (shell) => {
  expect((await runAlone(['completion', shell])).output).toContain(`completion for ${shell}`);
});
