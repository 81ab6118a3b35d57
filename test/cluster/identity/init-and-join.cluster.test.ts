/** What people do on empty machines: "init" on one, "join" on the others, and tokens for agents. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { type Cellctl, cellctlWith } from '../harness/cellctl.ts';
import type { Daemon } from '../harness/daemon.ts';
import type { Fleet, Member } from '../harness/fleet.ts';
import { type ProgramEnd, runProgram } from '../harness/run-program.ts';
import { SmallDisk } from '../harness/small-disk.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

interface Founded {
  readonly fleet: Fleet;
  /** Where the first member put the tokens. */
  readonly adminTokenFile: string;
  readonly joinTokenFile: string;
}

/** A fleet on machines where nothing was set up, but the first member. */
async function initialized(members: number, agents = 0): Promise<Founded> {
  const fleet = await testFleet({ members, agents, start: false, identity: false });
  const adminTokenFile = join(fleet.folder, 'admin.token');
  const joinTokenFile = join(fleet.folder, 'join.token');
  const files = ['--admin-token-file', adminTokenFile, '--join-token-file', joinTokenFile];
  const end = await runProgram('cell-control-plane', ['init', '--config', fleet.member(1).configFile, ...files]);
  expect(end).toMatchObject({ exitCode: 0, errors: '' });
  expect(end.output).not.toMatch(/cellkey_|celljoin_/);
  return { fleet, adminTokenFile, joinTokenFile };
}

function cellctlOf({ fleet, adminTokenFile }: Founded): Cellctl {
  return cellctlWith({ CELL_ADDR: fleet.addresses.join(','), CELL_TOKEN_FILE: adminTokenFile });
}

function joined(member: Member, tokenFile: string): Promise<ProgramEnd> {
  return runProgram('cell-control-plane', ['join', '--config', member.configFile, '--token-file', tokenFile]);
}

/** Waits until it waits, since nobody answers; gives what Ctrl-C does then. */
async function startedToJoin(member: Member, tokenFile: string): Promise<() => Promise<void>> {
  const words = ['join', '--config', member.configFile, '--token-file', tokenFile];
  const child = spawn(resolve(import.meta.dirname, '../../../bin/cell-control-plane'), words);
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString('utf8');
  });
  const ended = new Promise((end) => {
    child.once('exit', (_code, signal) => end(signal));
  });
  await waitFor(() => errors.startsWith('Waits for a member'), { what: 'it to wait for a member' });
  return async () => {
    child.kill('SIGINT');
    expect(await ended).toBe('SIGINT');
  };
}

/** Starts a member that waits for others before it is ready. */
async function listening(member: Member): Promise<void> {
  member.start();
  await waitFor(async () => (await member.http('/livez')).status === 200, { what: `${member.name} to listen` });
}

/** A key before all tables. */
function addSetting(daemon: Daemon, line: string): void {
  writeFileSync(daemon.configFile, `${line}\n${readFileSync(daemon.configFile, 'utf8')}`);
}

/** It ends by itself, with 78 if it is not to be started again before somebody acts; gives what it said. */
async function refusal(daemon: Daemon): Promise<string> {
  daemon.start();
  expect(await daemon.ended()).toEqual({ exitCode: 78, signal: undefined });
  return daemon.errors();
}

test('three empty machines become a control plane: one says "init", one "join", one finds a token in its settings', async () => {
  const founded = await initialized(3);
  const { fleet, joinTokenFile } = founded;
  const [first, second, third] = fleet.members as [Member, Member, Member];
  for (const file of [founded.adminTokenFile, joinTokenFile, join(first.dataFolder, 'authority/keyring.json')]) {
    expect(statSync(file).mode & 0o777).toBe(0o600);
  }
  expect(await refusal(second)).toMatch(/^CELL_E_NOT_INITIALIZED: .*cell-control-plane join/);
  first.start();
  expect(await joined(second, joinTokenFile)).toMatchObject({ exitCode: 0 });
  second.start();
  addSetting(third, `join_token_file = "${joinTokenFile}"`);
  third.start();
  await fleet.ready();
  const status = await cellctlOf(founded).run('fleet', 'status', '--exit-code');
  expect(status).toMatchObject({ exitCode: 0, errors: '' });
  // What they are they stay, also without any token.
  await Promise.all(fleet.members.map((member) => member.stop()));
  for (const member of fleet.members) member.start();
  await fleet.ready();
  expect(await cellctlOf(founded).run('control-plane', 'status')).toMatchObject({ exitCode: 0, errors: '' });
});

test('"init" is for once, and a token to become a member is worth nothing to a machine that nobody expects', async () => {
  const founded = await initialized(2);
  const { fleet, joinTokenFile } = founded;
  const [first, second] = fleet.members as [Member, Member];
  const book = readFileSync(join(first.dataFolder, 'authority/authorities.json'));
  const again = await runProgram('cell-control-plane', ['init', '--config', first.configFile]);
  expect(again).toMatchObject({
    exitCode: 1,
    output: '',
    errors: expect.stringMatching(/^CELL_E_CONFLICT: .*already/),
  });
  expect(readFileSync(join(first.dataFolder, 'authority/authorities.json'))).toEqual(book);
  await listening(first);
  const stranger = await fleet.prepareMember();
  const unexpected = await joined(stranger, joinTokenFile);
  expect(unexpected).toMatchObject({
    exitCode: 1,
    output: '',
    errors: expect.stringMatching(/CELL_E_FORBIDDEN: .*"3"/),
  });
  expect(await joined(second, joinTokenFile)).toMatchObject({ exitCode: 0 });
  // Somebody else with the same token, in the place of a member that has come already.
  writeFileSync(stranger.configFile, readFileSync(second.configFile, 'utf8').replaceAll('/member-2', '/member-3'));
  const thief = await joined(stranger, joinTokenFile);
  expect(thief).toMatchObject({ exitCode: 1, output: '', errors: expect.stringMatching(/CELL_E_\w+: .*"2"/) });
  second.start();
  await Promise.all([first.ready(), second.ready()]);
});

test('what goes wrong during init and join leaves nothing that the next try trips over', async (context) => {
  const fleet = await testFleet({ members: 2, start: false, identity: false });
  const [first, second] = fleet.members as [Member, Member];
  const disks = [first, second].flatMap(({ dataFolder }) => SmallDisk.mount(dataFolder, '4m') ?? []);
  const [disk, otherDisk] = disks;
  if (disk === undefined || otherDisk === undefined) return context.skip('Mounting a small file system takes root');
  try {
    const tokens = { admin: join(fleet.folder, 'admin.token'), join: join(fleet.folder, 'join.token') };
    const files = ['--admin-token-file', tokens.admin, '--join-token-file', tokens.join];
    const words = ['init', '--config', first.configFile];
    const full = { exitCode: 1, output: '', errors: expect.stringMatching(/^CELL_E_CONFIG: .*ENOSPC/) };
    disk.fill();
    expect(await runProgram('cell-control-plane', [...words, ...files])).toMatchObject(full);
    disk.empty();
    // Tokens that nobody can read: the first ones would be lost, and with them the control plane.
    expect(await runProgram('cell-control-plane', words, '', '/dev/full')).toMatchObject(full);
    expect(readdirSync(first.dataFolder, { recursive: true })).toEqual(['authority']);
    expect(await runProgram('cell-control-plane', [...words, ...files])).toMatchObject({ exitCode: 0, errors: '' });

    otherDisk.fill();
    expect(await joined(second, tokens.join)).toMatchObject(full);
    otherDisk.empty();
    const interrupted = await startedToJoin(second, tokens.join);
    expect(readdirSync(join(second.dataFolder, 'authority'))).toEqual(['joining']);
    await interrupted();
    await listening(first);
    const sentence = expect.stringMatching(/^This machine is member 2 of cluster "test"\. Start it:\n {4}\S[^{}]*\n$/);
    expect(await joined(second, tokens.join)).toEqual({ exitCode: 0, errors: '', output: sentence });
    await first.kill();
  } finally {
    for (const each of disks) each.unmount();
  }
});

test('mistyped and foreign tokens are refused with what is wrong, and never said again', async () => {
  const founded = await initialized(2);
  const { fleet, joinTokenFile } = founded;
  const [first, second] = fleet.members as [Member, Member];
  await listening(first);
  const good = readFileSync(joinTokenFile, 'utf8').trim();
  const mistyped = good.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'));
  const foreign = readFileSync((await initialized(2)).joinTokenFile, 'utf8').trim();
  const wrong: readonly (readonly [token: string, code: RegExp])[] = [
    [mistyped, /^CELL_E_CONFIG: .*copied wrongly/],
    [readFileSync(founded.adminTokenFile, 'utf8'), /^CELL_E_CONFIG: .*make calls with/],
    [foreign, /^CELL_E_UNTRUSTED: .*not the one that the token is for/],
  ];
  for (const [token, code] of wrong) {
    const file = join(fleet.folder, 'wrong.token');
    writeFileSync(file, token, { mode: 0o600 });
    const end = await joined(second, file);
    expect(end).toMatchObject({ exitCode: 1, output: '', errors: expect.stringMatching(code) });
    expect(end.errors).not.toContain(token.slice(0, 40));
  }
  const words = ['join', '--config', second.configFile];
  expect(await runProgram('cell-control-plane', words, good)).toMatchObject({ exitCode: 0 });
});

test('an agent says what it needs, joins by a token that a person makes, and the token is used up then', async () => {
  const founded = await initialized(1, 2);
  const { fleet } = founded;
  const [one, other] = [fleet.agent(1), fleet.agent(2)];
  const tokenFile = join(fleet.folder, 'agent.token');
  for (const agent of fleet.agents) addSetting(agent, `join_token_file = "${tokenFile}"`);
  fleet.member(1).start();
  await fleet.member(1).ready();
  const cellctl = cellctlOf(founded);
  const made = await cellctl.run('token', 'create', '--role', 'agent', '--ttl', '1h');
  expect(made).toMatchObject({ exitCode: 0, output: expect.stringMatching(/^celljoin_[a-z2-7_]+\n$/) });
  writeFileSync(tokenFile, made.output, { mode: 0o600 });
  one.start();
  await one.ready();
  other.start();
  await waitFor(() => /token/.test(other.output()) && /used/.test(other.output()), { what: 'the token to be used up' });
  expect((await other.http('/readyz')).status).toBe(503);
  expect((await other.http('/livez')).status).toBe(200);
  for (const { output } of [await cellctl.run('node', 'list'), await cellctl.run('token', 'list')]) {
    expect(output).not.toContain(made.output.trim());
  }
  // The next token is taken without a restart.
  const next = await cellctl.run('token', 'create', '--role', 'agent');
  writeFileSync(tokenFile, next.output, { mode: 0o600 });
  await other.ready(90_000);
  // What has joined does not need it any more.
  writeFileSync(tokenFile, '', { mode: 0o600 });
  for (const agent of fleet.agents) await agent.restart();
  await Promise.all(fleet.agents.map((agent) => agent.ready()));
  for (const daemon of [...fleet.members, ...fleet.agents]) {
    for (const token of [made.output, next.output]) {
      expect(daemon.output() + daemon.errors()).not.toContain(token.split('_')[2]);
    }
  }
});

test('nobody commands without a token, and a revoked one is worth nothing at once', async () => {
  const founded = await initialized(1);
  const { fleet } = founded;
  fleet.member(1).start();
  await fleet.member(1).ready();
  const admin = cellctlOf(founded);
  const nobody = cellctlWith({ CELL_ADDR: fleet.addresses.join(','), HOME: fleet.folder });
  expect(await nobody.run('node', 'list')).toMatchObject({
    exitCode: 1,
    output: '',
    errors: expect.stringContaining('cellctl login'),
  });
  const { output } = await admin.run('token', 'create', '--role', 'viewer', '--name', 'screen');
  const file = join(fleet.folder, 'viewer.token');
  writeFileSync(file, output, { mode: 0o600 });
  const viewer = cellctlWith({ CELL_ADDR: fleet.addresses.join(','), CELL_TOKEN_FILE: file });
  expect(await viewer.run('fleet', 'status')).toMatchObject({ exitCode: 0, errors: '' });
  const refused = await viewer.run('token', 'create', '--role', 'admin');
  expect(refused).toMatchObject({ exitCode: 1, output: '', errors: expect.stringMatching(/^CELL_E_FORBIDDEN: /) });
  expect(await admin.run('token', 'revoke', 'screen')).toMatchObject({ exitCode: 0, errors: '' });
  const ended = await viewer.run('fleet', 'status');
  expect(ended).toMatchObject({ exitCode: 1, output: '', errors: expect.stringMatching(/^CELL_E_UNAUTHENTICATED: /) });
  // Refused calls are counted together for a moment before they are written down.
  const audit = await waitFor(
    async () => {
      const { output: entries } = await admin.run('audit', 'list', '-o', 'json');
      return entries.includes('CELL_E_FORBIDDEN') && entries;
    },
    { what: 'what was refused to be in the audit log' },
  );
  for (const said of ['CreateToken', 'RevokeToken']) expect(audit).toContain(said);
  expect(await admin.run('audit', 'verify')).toMatchObject({ exitCode: 0 });
});
