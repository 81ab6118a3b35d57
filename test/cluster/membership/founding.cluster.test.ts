import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Fleet, Member } from '../harness/fleet.ts';
import { MarkWriter } from '../harness/mark-writer.ts';
import { testFleet } from '../harness/test-fleet.ts';
import { waitFor } from '../harness/wait-for.ts';

/** Members that were all started at once and killed again and again found their cluster within so long. */
const FOUNDING_MS_MAX = 60_000;

interface StoredIdentity {
  readonly clusterId: string;
  readonly incarnation: string;
  readonly logMade: boolean;
  readonly removed: boolean;
}

/** What the member has stored of itself. */
function identityOf(member: Member): StoredIdentity {
  const text = readFileSync(join(member.dataFolder, 'identity.json'), 'utf8');
  return (JSON.parse(text) as { content: StoredIdentity }).content;
}

function hasCluster(member: Member): boolean {
  try {
    return identityOf(member).clusterId !== '';
  } catch {
    return false;
  }
}

function wipe(member: Member): void {
  rmSync(member.dataFolder, { recursive: true });
}

async function listens(member: Member): Promise<boolean> {
  return (await member.http('/livez')).status === 200;
}

/** Writes what it has stored of itself anew, as it does it itself. */
function rewrite(member: Member, fields: object): void {
  const file = join(member.dataFolder, 'identity.json');
  const content = JSON.stringify({ ...identityOf(member), ...fields });
  const checksum = createHash('sha256').update(content).digest('hex').slice(0, 32);
  writeFileSync(file, `{"format":1,"checksum":"${checksum}","content":${content}}\n`);
}

/** What it says it waits for. */
async function waiting(member: Member, words: string): Promise<void> {
  await waitFor(async () => (await member.http('/readyz')).body.includes(words), { what: `${member.name}: ${words}` });
}

/** It ends by itself; gives what it said. */
async function refusal(member: Member): Promise<string> {
  const before = member.started ? member.errors().length : 0;
  member.start();
  expect(await member.ended()).toEqual({ exitCode: 1, signal: undefined });
  return member.errors().slice(before);
}

/** `members` in a configuration is this member alone. */
function listAlone(member: Member): void {
  const toml = readFileSync(member.configFile, 'utf8');
  const [head = '', ...entries] = toml.split('[[members]]\n');
  const own = entries.find((entry) => entry.startsWith(`id = ${member.id}\n`))!;
  writeFileSync(member.configFile, `${head}[[members]]\n${own}`);
}

async function marked(fleet: Fleet, count: number): Promise<MarkWriter> {
  const writer = new MarkWriter(fleet.operators());
  await waitFor(() => writer.acknowledged >= count, { what: `${count} marks` });
  await writer.stop();
  return writer;
}

test('founding waits for all members, says for whom, and ends on SIGTERM meanwhile; then a majority is enough', async () => {
  const fleet = await testFleet({ members: 3, start: false });
  const [first, second, third] = fleet.members as [Member, Member, Member];
  first.start();
  await waiting(first, 'Waiting for members 2, 3 to found the cluster');
  second.start();
  await waiting(first, 'Waiting for member 3 to found the cluster');
  await waitFor(() => first.output().includes('Waiting for member 3 to found the cluster'), { what: 'it in its log' });
  expect((await first.http('/livez')).status).toBe(200);
  expect(await second.stop()).toEqual({ exitCode: 0, signal: undefined });
  expect([hasCluster(first), hasCluster(second)]).toEqual([false, false]);
  third.start();
  second.start();
  await fleet.ready();
  expect(new Set(fleet.members.map((member) => identityOf(member).clusterId)).size).toBe(1);
  expect(statSync(join(first.dataFolder, 'identity.json')).mode & 0o777).toBe(0o600);
  await Promise.all(fleet.members.map((member) => member.stop()));
  first.start();
  third.start();
  await Promise.all([first.ready(), third.ready()]);
  await marked(fleet, 5);
});

test('members that are killed again and again while they found the cluster come to one in the end', async () => {
  const fleet = await testFleet({ members: 3, start: false });
  for (const member of fleet.members) member.start();
  const moments: [number, (member: Member) => Promise<boolean> | boolean][] = [
    [1, listens],
    [2, listens],
    [3, listens],
    [1, hasCluster],
    [3, hasCluster],
    [2, hasCluster],
  ];
  for (const [id, moment] of moments) {
    const member = fleet.member(id);
    await waitFor(() => moment(member), {
      what: `${member.name} to come to where it is killed`,
      timeoutMs: FOUNDING_MS_MAX,
    });
    await member.kill();
    member.start();
  }
  await waitFor(() => fleet.members.every(hasCluster), { what: 'the cluster', timeoutMs: FOUNDING_MS_MAX });
  await fleet.ready();
  expect(new Set(fleet.members.map((member) => identityOf(member).clusterId)).size).toBe(1);
  await marked(fleet, 5);
});

test('a founder that crashed before it was told is told by those who know, without the first one', async () => {
  const fleet = await testFleet({ members: 3, start: false });
  const [first, second, third] = fleet.members as [Member, Member, Member];
  for (const member of fleet.members) member.start();
  await fleet.ready();
  await third.kill();
  // As if it had been killed after it introduced itself and before it was told.
  rewrite(third, { clusterId: '', origin: 'none', members: [], logMade: false });
  rmSync(join(third.dataFolder, 'raft'), { recursive: true });
  await first.kill();
  third.start();
  await Promise.all([second.ready(), third.ready()]);
  expect(identityOf(third).clusterId).toBe(identityOf(second).clusterId);
  await marked(fleet, 5);
});

test('a member that lost its data never votes again: it ends, and says what to do', async () => {
  const fleet = await testFleet({ members: 3 });
  const writer = await marked(fleet, 20);
  const lost = await fleet.follower();
  await lost.kill();
  wipe(lost);
  const said = await refusal(lost);
  expect(said).toMatch(/^CELL_E_DATA_LOST: .*control-plane remove \d.*never used\n$/);
  expect(await refusal(lost)).toBe(said);
  expect(await writer.lost(fleet.operators())).toEqual([]);
});

test('the log alone, or the identity alone, is not a member', async () => {
  const fleet = await testFleet({ members: 1 });
  const member = fleet.member(1);
  await member.stop();
  const file = join(member.dataFolder, 'identity.json');
  const identity = readFileSync(file);
  rmSync(file);
  expect(await refusal(member)).toMatch(/^CELL_E_DATA_LOST: .*has a log, but no identity.json/);
  writeFileSync(file, identity);
  cpSync(join(member.dataFolder, 'raft'), join(fleet.folder, 'kept'), { recursive: true });
  rmSync(join(member.dataFolder, 'raft'), { recursive: true });
  expect(await refusal(member)).toMatch(/^CELL_E_DATA_LOST: .*has lost its log/);
  cpSync(join(fleet.folder, 'kept'), join(member.dataFolder, 'raft'), { recursive: true });
  member.start();
  await member.ready();
});

test("another member's disk is refused, and nothing on it is changed", async () => {
  const fleet = await testFleet({ members: 3 });
  const writer = await marked(fleet, 10);
  const [, second, third] = fleet.members as [Member, Member, Member];
  await Promise.all([second.stop(), third.stop()]);
  const identity = readFileSync(join(third.dataFolder, 'identity.json'));
  const toml = readFileSync(second.configFile, 'utf8');
  writeFileSync(second.configFile, toml.replace(`data = "${second.dataFolder}"`, `data = "${third.dataFolder}"`));
  expect(await refusal(second)).toMatch(/^CELL_E_FOREIGN_DATA: .*belongs to member "3".*is for member "2"/);
  expect(readFileSync(join(third.dataFolder, 'identity.json'))).toEqual(identity);
  writeFileSync(second.configFile, toml);
  second.start();
  third.start();
  await fleet.ready();
  expect(await writer.lost(fleet.operators())).toEqual([]);
});

test('members that name only themselves found a cluster each, and their data never meets', async () => {
  const fleet = await testFleet({ members: 3, start: false });
  const whole = fleet.members.map((member) => readFileSync(member.configFile, 'utf8'));
  for (const member of fleet.members) listAlone(member);
  await fleet.start();
  const ids = fleet.members.map((member) => identityOf(member).clusterId);
  expect(new Set(ids).size).toBe(3);
  await Promise.all(fleet.members.map((member) => member.stop()));
  // The configuration is corrected, but each of them has a cluster already: that counts, not the list.
  for (const [place, member] of fleet.members.entries()) writeFileSync(member.configFile, whole[place]!);
  await fleet.start();
  expect(fleet.members.map((member) => identityOf(member).clusterId)).toEqual(ids);
  for (const member of fleet.members) {
    const { members } = await fleet.operators(member).controlPlane.getControlPlaneStatus({});
    expect(members.map(({ id }) => Number(id))).toEqual([member.id]);
  }
});
