/** Secrets from a person's hand to the workload, and nowhere else. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Cellctl } from '../harness/cellctl.ts';
import type { Fleet } from '../harness/fleet.ts';
import { MarkWriter } from '../harness/mark-writer.ts';
import { settled } from '../harness/run-job.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

const FIRST = 'correct-horse-battery-staple-4711';
const SECOND = 'another-value-that-nobody-guesses-0815';
/** More than are kept without a snapshot. */
const MARKS = 11_000;

/** It says what it was given by a digest, so that nothing of it is written anywhere. */
const JOB = `name = "shop"
command = ["sh", "-c", "sha256sum <\\"$CREDENTIALS_DIRECTORY/database\\"; env | sort; exec sleep 3600"]

[secrets]
database = "database"

[resources]
cpu = 0.01
memory = "1MiB"
`;

/** Files below the folder that hold the text, by their path in it. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => contentOf(file).includes(text))
    .map((file) => file.slice(folder.length + 1));
}

/** Daemons replace and remove files while somebody looks: what is gone holds nothing. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

async function setSecret(cellctl: Cellctl, value: string): Promise<void> {
  expect(await cellctl.runWith(value, 'secret', 'set', 'database', '--file', '-')).toMatchObject({ exitCode: 0 });
}

async function digestSaid(cellctl: Cellctl, id: string): Promise<string> {
  return waitFor(async () => /^[0-9a-f]{64}/.exec((await cellctl.run('allocation', 'logs', id)).output)?.[0], {
    what: 'the workload to tell what it got',
  });
}

function digestOf(value: string): string {
  return createHash('sha256').update(value).digest('hex');
}

async function everythingSaid(fleet: Fleet, cellctl: Cellctl, id: string): Promise<string> {
  const commands = [
    ['secret', 'list', '-o', 'json'],
    ['job', 'show', 'shop', '-o', 'json'],
    ['allocation', 'show', id, '-o', 'json'],
    ['allocation', 'logs', id],
    ['events'],
    ['audit', 'list', '-o', 'json'],
    ['node', 'list', '-o', 'json'],
  ];
  const ends = await Promise.all(commands.map((words) => cellctl.run(...words)));
  const pages = await Promise.all([...fleet.members, ...fleet.agents].map((daemon) => daemon.http('/metrics')));
  return [...ends.flatMap(({ output, errors }) => [output, errors]), ...pages.map(({ body }) => body)].join('\n');
}

test('a secret reaches its workload and is in no file, log, snapshot or answer in clear', async () => {
  const fleet = await testFleet({ members: 3, agents: 2 });
  const cellctl = fleet.cellctl();
  await setSecret(cellctl, FIRST);
  const file = join(fleet.folder, 'shop.toml');
  writeFileSync(file, JOB);
  expect(await cellctl.run('job', 'run', '--yes', file)).toMatchObject({ exitCode: 0 });
  const [allocation] = await settled(fleet.operators(), 'shop', { count: 1 });
  expect(await digestSaid(cellctl, allocation!.id)).toBe(digestOf(FIRST));

  await setSecret(cellctl, SECOND);
  const writer = new MarkWriter(fleet.operators(), 64);
  await waitFor(() => writer.acknowledged >= MARKS, { what: 'a snapshot to be due', timeoutMs: 60_000 });
  await writer.stop();
  for (const member of fleet.members) {
    await waitFor(async () => ((await member.metric('cell_raft_snapshot_index')) ?? 0) > 0, { what: 'a snapshot' });
  }
  const said = await everythingSaid(fleet, cellctl, allocation!.id);
  expect(said).toContain('database');
  for (const value of [FIRST, SECOND]) expect(said).not.toContain(value);
  // The one place is where the workload reads it, which is a file system in memory if the machine has one.
  const [place, ...others] = filesWith(fleet.folder, FIRST);
  expect(others).toEqual([]);
  expect(place ?? 'secrets').toMatch(/secrets/);
  expect(filesWith(fleet.folder, SECOND)).toEqual([]);

  // What is started next gets the new value.
  expect(await cellctl.run('job', 'stop', 'shop', '--yes')).toMatchObject({ exitCode: 0 });
  await waitFor(() => filesWith(fleet.folder, FIRST).length === 0, { what: 'the value to be removed from its node' });
  expect(await cellctl.run('job', 'run', '--yes', file)).toMatchObject({ exitCode: 0 });
  const [next] = await settled(fleet.operators(), 'shop', { count: 1 });
  expect(await digestSaid(cellctl, next!.id)).toBe(digestOf(SECOND));
  expect(await cellctl.run('secret', 'rotate-key')).toMatchObject({ exitCode: 0 });
  expect(filesWith(fleet.folder, FIRST)).toEqual([]);
});
