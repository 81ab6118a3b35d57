import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Cellctl, cellctlWith, type RunningCellctl } from '../harness/cellctl.ts';
import { freePortRow } from '../harness/free-ports.ts';
import { processesBelow } from '../harness/leftovers.ts';
import { waitFor } from '../harness/wait-for.ts';
import { Witness } from '../harness/witness.ts';

const PORTS = 4;

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cell-test-dev-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Without any control plane. */
const alone = cellctlWith({ CELL_ADDR: '' });

interface StartedDev {
  readonly dev: RunningCellctl;
  readonly folder: string;
  /** As it says to use it from another terminal. */
  readonly cellctl: Cellctl;
}

/** `cellctl dev`, once it is ready; it ends with the test. */
async function startDev(port: number, ...words: string[]): Promise<StartedDev> {
  const dev = alone.start('dev', '--port', `${port}`, ...words);
  onTestFinished(() => dev.kill('SIGKILL'));
  await dev.said(
    /A fleet of one runs at \S+; state and output are in \S+\n.*export CELL_ADDR=\S+ CELL_TOKEN_FILE=\S+\n/,
  );
  const folder = /output are in (\S+)/.exec(dev.errors)![1]!;
  const [, address = '', tokenFile = ''] = /CELL_ADDR=(\S+) CELL_TOKEN_FILE=(\S+)/.exec(dev.errors)!;
  onTestFinished(() => {
    for (const pid of processesBelow(folder)) process.kill(pid, 'SIGKILL');
  });
  return { dev, folder, cellctl: cellctlWith({ CELL_ADDR: address, CELL_TOKEN_FILE: tokenFile }) };
}

test('cellctl dev runs a fleet of one, and Ctrl-C leaves nothing of it', async () => {
  const port = await freePortRow(PORTS);
  const witness = new Witness(ownFolder());
  const { dev, folder, cellctl } = await startDev(port);
  const ran = await cellctl.runWith(witness.job('web', { settings: 'count = 2' }), 'job', 'run', '--yes', '-');
  expect(ran).toMatchObject({ exitCode: 0 });
  expect(witness.living('web')).toHaveLength(2);
  expect(await cellctl.run('fleet', 'status', '--exit-code')).toMatchObject({ exitCode: 0 });
  expect(processesBelow(folder).length).toBeGreaterThan(0);
  dev.kill('SIGINT');
  expect(await dev.ended()).toMatchObject({ exitCode: 0 });
  // They were asked, not killed.
  expect(witness.runs('web').map(({ stoppedMs }) => stoppedMs)).toEqual([expect.any(Number), expect.any(Number)]);
  expect(witness.living('web')).toEqual([]);
  expect(processesBelow(folder)).toEqual([]);
  expect(existsSync(folder)).toBe(false);
});

test('cellctl dev with a folder of its own goes on where it was, also after it was killed', async () => {
  const data = join(ownFolder(), 'fleet');
  const witness = new Witness(ownFolder());
  const port = await freePortRow(PORTS);
  const { dev, cellctl } = await startDev(port, '--data', data);
  const job = witness.job('web', { settings: 'count = 1' });
  expect(await cellctl.runWith(job, 'job', 'run', '--yes', '-')).toMatchObject({ exitCode: 0 });
  dev.kill('SIGKILL');
  await dev.ended();
  const { dev: again } = await startDev(port, '--data', data);
  await waitFor(async () => (await cellctl.run('job', 'show', 'web')).exitCode === 0, { what: 'the job to be known' });
  expect(witness.living('web')).toHaveLength(1);
  expect(witness.runs('web')).toHaveLength(1);
  again.kill('SIGTERM');
  expect(await again.ended()).toMatchObject({ exitCode: 0 });
  expect(witness.living('web')).toEqual([]);
  expect(readFileSync(join(data, 'dev.log'), 'utf8')).not.toContain('CELL_E_INTERNAL');
});

test('cellctl dev on a port in use says so and leaves nothing', async () => {
  const port = await freePortRow(PORTS);
  const other = createServer();
  onTestFinished(() => void other.close());
  await new Promise<void>((listening) => {
    other.listen(port, '127.0.0.1', listening);
  });
  const end = await alone.run('dev', '--port', `${port}`);
  expect(end).toMatchObject({ exitCode: 1, output: '' });
  expect(end.errors).toMatch(new RegExp(`CELL_E_\\w+: .*"127\\.0\\.0\\.1:${port}".*--port`));
});
