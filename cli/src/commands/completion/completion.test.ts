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

test('where a file is due, the shell is told so, whatever is typed', async () => {
  expect((await runAlone(['__complete', '--', 'job', 'run', 'we'])).output).toBe('__file__\n');
});

test.each(['bash', 'zsh', 'fish'])('the script for %s names itself', async (shell) => {
  expect((await runAlone(['completion', shell])).output).toContain(`completion for ${shell}`);
});
