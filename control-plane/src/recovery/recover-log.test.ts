import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogStore, openLogStore } from '@cell/raft';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FleetMachine } from '../consensus/fleet-machine.ts';
import { IdentityStore } from '../founding/identity-store.ts';
import type { Command } from '../state/commands.ts';
import { encodeCommand } from '../state/format/command-codec.ts';
import { finishRecovery, recoverLog } from './recover-log.ts';

const members = [1, 2, 3].map((id) => {
  return { id, grpc: `h${id}:1`, peers: `h${id}:2`, http: `h${id}:3`, incarnation: `i${id}` };
});
const voters = members.map(({ id }) => id);
const log = pino({ level: 'silent' });
const timeMs = 1_700_000_000_000;

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cell-recovery-'));
  folder = join(root, 'data');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function openIdentities(): Promise<IdentityStore> {
  return IdentityStore.open({ folder, memberId: 1, cluster: 'c', incarnation: () => 'i1' });
}

function openLog(clusterId: string): Promise<LogStore> {
  return openLogStore({
    directory: join(folder, 'raft'),
    identity: { clusterId, nodeId: 1 },
    bootstrap: { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false },
  });
}

function mark(sequence: number): Command {
  return { kind: 'write-mark', timeMs, drillId: 'd', sequence };
}

/** A member of three, of whose log only the beginning is known to be committed. */
async function loseQuorum(): Promise<void> {
  const identities = await openIdentities();
  const store = await openLog('old');
  await identities.update((own) => ({ ...own, clusterId: 'old', origin: 'founded', members, logMade: true }));
  const commands: Command[] = [{ kind: 'found-members', timeMs, members }, mark(1), mark(2), mark(3)];
  const entries = commands.map((command, place) => {
    return { term: 4, index: place + 3, type: 'normal', data: encodeCommand(command) } as const;
  });
  const elected = { term: 4, index: 2, type: 'normal', data: new Uint8Array() } as const;
  await store.append({ entries: [elected, ...entries], hardState: { term: 5, vote: 2, commit: 3 }, sync: true });
  await store.close();
  await identities.close();
}

async function recover(): Promise<void> {
  const identities = await openIdentities();
  const recovered = await recoverLog({ identities, clusterId: 'new', timeMs, log });
  expect(recovered).toEqual({ lastIndex: 6, dropped: [2, 3], retired: join(folder, 'raft.old') });
  await identities.close();
}

/** What a member starts with. */
async function started() {
  const identities = await openIdentities();
  await finishRecovery(identities, log);
  const { identity } = identities;
  const store = await openLog(identity.clusterId);
  const machine = new FleetMachine({ changed: () => {}, applied: () => {} });
  const snapshot = identity.clusterId === 'new' ? store.snapshot() : undefined;
  if (snapshot !== undefined) await machine.restore(snapshot.meta, store.readSnapshot(snapshot));
  const found = { identity, meta: snapshot?.meta, ...store.initialState(), state: machine.state };
  await store.close();
  await identities.close();
  return found;
}

test('all of the log counts, with the survivor as the only voter of another cluster', async () => {
  await loseQuorum();
  await recover();
  const { identity, meta, hardState, conf, state } = await started();
  expect(identity).toMatchObject({
    clusterId: 'new',
    formerClusterIds: ['old'],
    members: [members[0]],
    retiredLog: '',
  });
  expect(meta).toMatchObject({ index: 6 + 1e12, term: 6 });
  expect(hardState).toEqual({ term: 6, vote: 0, commit: 6 + 1e12 });
  expect(conf).toMatchObject({ voters: [1], learners: [], votersOutgoing: [] });
  expect(state.drills.get('d')?.ranges).toEqual([[1, 3]]);
  expect([...state.members.values()].map(({ id, status }) => [id, status])).toEqual([
    [1, 'member'],
    [2, 'removed'],
    [3, 'removed'],
  ]);
  expect(state.recoveries).toMatchObject([{ clusterId: 'new', formerClusterId: 'old', survivor: 1, dropped: [2, 3] }]);
  expect(state.events.at(-1)).toMatchObject({ type: 'ClusterRecovered', index: 6 + 1e12 });
});

test('the old log is kept as it was', async () => {
  await loseQuorum();
  await recover();
  const old = await openLogStore({
    directory: join(folder, 'raft.old'),
    identity: { clusterId: 'old', nodeId: 1 },
    bootstrap: undefined,
  });
  expect(old.lastIndex()).toBe(6);
  await old.close();
});

test('a crash at any step leaves the old cluster or the new one, never something between', async () => {
  await loseQuorum();
  const before = join(root, 'before');
  cpSync(folder, before, { recursive: true });
  await recover();
  const after = join(root, 'after');
  renameSync(folder, after);
  const stages: [string, (() => Promise<void>) | (() => void)][] = [
    ['old', () => cpSync(before, folder, { recursive: true })],
    ['old', () => cpSync(join(after, 'raft'), join(folder, 'raft.recovered'), { recursive: true })],
    ['new', () => noted(before, after)],
    ['new', () => noted(before, after, () => renameSync(join(folder, 'raft'), join(folder, 'raft.old')))],
    [
      'new',
      () =>
        noted(before, after, () => {
          renameSync(join(folder, 'raft'), join(folder, 'raft.old'));
          renameSync(join(folder, 'raft.recovered'), join(folder, 'raft'));
        }),
    ],
  ];
  for (const [clusterId, reach] of stages) {
    await reach();
    for (let start = 0; start < 2; start += 1) {
      const { identity, state } = await started();
      expect(identity.clusterId).toBe(clusterId);
      expect(existsSync(join(folder, 'raft.recovered'))).toBe(false);
      expect(existsSync(join(folder, 'raft.old'))).toBe(clusterId === 'new');
      if (clusterId === 'new') expect(state.drills.get('d')?.ranges).toEqual([[1, 3]]);
    }
  }
});

/** The new log stands beside the old one, and identity.json says that the new one counts; then it crashed. */
async function noted(before: string, after: string, then: () => void = () => {}): Promise<void> {
  rmSync(folder, { recursive: true });
  cpSync(before, folder, { recursive: true });
  const identities = await openIdentities();
  await identities.update((own) => ({
    ...own,
    clusterId: 'new',
    formerClusterIds: ['old'],
    members: own.members.slice(0, 1),
    retiredLog: 'raft.old',
  }));
  await identities.close();
  cpSync(join(after, 'raft'), join(folder, 'raft.recovered'), { recursive: true });
  then();
}

test('a cluster can be recovered again', async () => {
  await loseQuorum();
  await recover();
  const identities = await openIdentities();
  const { lastIndex } = await recoverLog({ identities, clusterId: 'newest', timeMs, log });
  expect(lastIndex).toBe(6 + 1e12);
  expect(identities.identity.formerClusterIds).toEqual(['old', 'new']);
  await identities.close();
});

test('a member that was never in a cluster has nothing to recover', async () => {
  const identities = await openIdentities();
  await expect(recoverLog({ identities, clusterId: 'new', timeMs, log })).rejects.toMatchObject({
    code: 'CELL_E_CONFLICT',
  });
  await identities.close();
});

test('a learner that has nothing of the log yet can not be recovered, and stays as it is', async () => {
  const identities = await openIdentities();
  await identities.update((own) => ({ ...own, clusterId: 'old', origin: 'admitted', members, logMade: true }));
  const empty = await openLogStore({
    directory: identities.logFolder,
    identity: { clusterId: 'old', nodeId: 1 },
    bootstrap: undefined,
  });
  await empty.close();
  const recovering = recoverLog({ identities, clusterId: 'new', timeMs, log });
  await expect(recovering).rejects.toMatchObject({
    code: 'CELL_E_CONFLICT',
    message: expect.stringContaining("nothing of the cluster's log"),
  });
  expect(identities.identity.clusterId).toBe('old');
  await identities.close();
});
