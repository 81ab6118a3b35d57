import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import type { Daemon } from '../harness/daemon.ts';
import { MarkWriter } from '../harness/mark-writer.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

/** What its unit in systemd does not start again: EX_CONFIG of sysexits.h. */
const WAITS_FOR_A_PERSON = 78;
const OTHER_KEYS =
  '"keyring", "join_token", "join_token_file", "listen", "members", "raft", "leases", "certificates", "limits", "http", "log"';
const PROGRAM = resolve(import.meta.dirname, '../../../bin/cell-control-plane');

function rewrite(daemon: Daemon, change: (toml: string) => string): void {
  writeFileSync(daemon.configFile, change(readFileSync(daemon.configFile, 'utf8')));
}

/** Starts it, expects that it ends with an error, and gives what it said. */
async function refusal(daemon: Daemon, exitCode = 1): Promise<string> {
  const before = daemon.started ? daemon.errors().length : 0;
  daemon.start();
  expect(await daemon.ended()).toEqual({ exitCode, signal: undefined });
  return daemon.errors().slice(before);
}

test('a member refuses the data of another cluster, names both, and leaves it as it was', async () => {
  const fleet = await testFleet({ members: 1, cluster: 'first' });
  const member = fleet.member(1);
  const writer = new MarkWriter(fleet.operators());
  await waitFor(() => writer.acknowledged > 5, { what: 'some marks' });
  await writer.stop();
  await member.stop();
  rewrite(member, (toml) => toml.replace('cluster = "first"', 'cluster = "second"'));
  expect(await refusal(member)).toMatch(/^CELL_E_FOREIGN_DATA: .*"first" \(id "[0-9a-f]{16}"\).*"second".*\n$/);
  rewrite(member, (toml) => toml.replace('cluster = "second"', 'cluster = "first"'));
  member.start();
  await member.ready();
  expect(await writer.lost(fleet.operators())).toEqual([]);
});

test('members with different names of the cluster found none, and say so', async () => {
  const fleet = await testFleet({ members: 3, start: false });
  const stranger = fleet.member(3);
  rewrite(stranger, (toml) => toml.replace('cluster = "test"', 'cluster = "other"'));
  for (const member of fleet.members) member.start();
  const [first] = fleet.members;
  await waitFor(() => first!.output().includes('member 3 is configured for cluster \\"other\\"'), {
    what: 'member 1 to see',
  });
  await waitFor(() => stranger.output().includes('is configured for cluster \\"test\\"'), { what: 'member 3 to see' });
  for (const member of fleet.members) {
    await waitFor(async () => (await member.http('/readyz')).body.includes('Waiting'), { what: 'it to say so' });
    expect((await member.http('/readyz')).status).toBe(503);
  }
});

test.each(['grpc', 'peers', 'http'])('a port in use (listen.%s) is told with its address and setting', async (key) => {
  const fleet = await testFleet({ members: 1, start: false });
  const member = fleet.member(1);
  const address = new RegExp(`\\[listen\\][^[]*${key} = "(127.0.0.1:\\d+)"`).exec(
    readFileSync(member.configFile, 'utf8'),
  )![1]!;
  const other = createServer().listen(Number(address.split(':')[1]), '127.0.0.1');
  await once(other, 'listening');
  expect(await refusal(member)).toBe(
    `CELL_E_ADDRESS_IN_USE: Cannot listen on "${address}" (listen.${key}): another process does. Stop it, or change listen.${key}\n`,
  );
  other.close();
});

test('a second process on the same data is refused, and the first one goes on', async () => {
  const fleet = await testFleet({ members: 1 });
  const member = fleet.member(1);
  const { exitCode, errors } = await run('--config', member.configFile);
  expect([exitCode, errors]).toEqual([1, expect.stringMatching(/^CELL_E_DIRECTORY_IN_USE: .*\n$/)]);
  expect((await member.http('/readyz')).status).toBe(200);
});

test('a log that was damaged in the middle is never served: the member stops and names the file', async () => {
  const fleet = await testFleet({ members: 1 });
  const member = fleet.member(1);
  const writer = new MarkWriter(fleet.operators());
  await waitFor(() => writer.acknowledged > 50, { what: 'some marks' });
  await writer.stop();
  await member.kill();
  const folder = join(member.dataFolder, 'raft');
  const segment = readdirSync(folder).find(
    (name) => /segment|log|wal/.test(name) && readFileSync(join(folder, name)).includes('write-mark'),
  )!;
  const place = readFileSync(join(folder, segment)).indexOf('write-mark');
  const file = openSync(join(folder, segment), 'r+');
  writeSync(file, 'X', place);
  closeSync(file);
  expect(await refusal(member)).toMatch(new RegExp(`^CELL_E_LOG_DAMAGED: .*${segment}.*\n$`));
});

test('a wrong configuration is told with every problem at once', async () => {
  const fleet = await testFleet({ members: 1, start: false });
  const member = fleet.member(1);
  rewrite(member, (toml) => `colour = "red"\n${toml.replace('id = 1\n', 'id = "one"\n')}`);
  expect(await refusal(member)).toBe(
    `CELL_E_CONFIG: Configuration file "${member.configFile}" has 2 problems
  ${member.configFile}:1: Key "colour" is not known here. Known are "id", "cluster", "data", ${OTHER_KEYS}
  ${member.configFile}:2: Key "id" has the value "one". It must be a whole number from 1 to 1000000
`,
  );
});

test('a machine that was never made a member is told what to do', async () => {
  const fleet = await testFleet({ members: 1, start: false, identity: false });
  expect(await refusal(fleet.member(1), WAITS_FOR_A_PERSON)).toMatch(
    /^CELL_E_NOT_INITIALIZED: .*cell-control-plane init.*\n$/,
  );
});

test('a member listens for other machines where it is told to, and they find TLS there', async () => {
  const fleet = await testFleet({ members: 1, start: false });
  const member = fleet.member(1);
  rewrite(member, (toml) => toml.replace('grpc = "127.0.0.1', 'grpc = "0.0.0.0'));
  member.start();
  await member.ready();
  await fleet.operators().drills.writeMark({ drillId: 'open', sequence: 1n });
});

test('flags are checked, and help and version are printed', async () => {
  expect(await run('--colour')).toMatchObject({
    exitCode: 1,
    errors: expect.stringMatching(/^CELL_E_CONFIG: .*--colour.*\n$/),
  });
  expect(await run('--version')).toMatchObject({
    exitCode: 0,
    output: expect.stringMatching(/^cell-control-plane \d+\.\d+\.\d+\n$/),
  });
  expect(await run('--help')).toMatchObject({ exitCode: 0, output: expect.stringContaining('Example:') });
  const missing = await run('--config', '/nowhere/control-plane.toml');
  expect(missing).toMatchObject({
    exitCode: 1,
    errors: expect.stringMatching(/^CELL_E_CONFIG: "\/nowhere\/control-plane.toml": .*no such file/),
  });
});

function run(...flags: string[]): Promise<{ exitCode: number; output: string; errors: string }> {
  return new Promise((done) => {
    execFile(PROGRAM, flags, (error, output, errors) =>
      done({ exitCode: error === null ? 0 : Number(error.code), output, errors }),
    );
  });
}
