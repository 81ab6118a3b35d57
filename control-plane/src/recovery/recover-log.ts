/**
 * Goes on with one member's log after a majority of the others is lost for good. Everything in the log counts as
 * committed, since what lies beyond the commit index may have been acknowledged. docs/decisions/0007-membership.md.
 *
 * The new log is built beside the old one. The moment of truth is the write of identity.json with the new cluster's id
 * and the name that the old log is to get: a crash before it leaves the old cluster, and after it `finishRecovery` moves
 * the logs into place at the next start.
 */
import { access, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeConfChange, type Entry, LogError, type LogStore, type SnapshotMeta } from '@cell/raft';
import { openLogStore } from '@cell/raft/storage';
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import { FleetMachine } from '../consensus/fleet-machine.ts';
import { type IdentityStore, syncFolder } from '../founding/identity-store.ts';
import type { CommandResult } from '../state/commands.ts';
import { encodeCommand } from '../state/format/command-codec.ts';

/** Where the new log is built. */
const NEW_LOG_FOLDER = 'raft.recovered';

/**
 * Far above what the old cluster can still write, should it come back: at 100,000 entries a second this lasts for 115
 * days. Agents refuse what is older than they have.
 */
const INDEX_GAP = 1e12;

/** Bytes of entries that are read at once. */
const READ_BYTES_MAX = 4 * 1024 * 1024;

export interface RecoverLogParts {
  readonly identities: IdentityStore;
  /** Of the cluster from now on. */
  readonly clusterId: string;
  /** Wall clock, milliseconds since 1970. */
  readonly timeMs: number;
  readonly log: Logger;
}

export interface RecoveredLog {
  /** Index of the last entry of the old log. */
  readonly lastIndex: number;
  /** Raft ids of the members that are out. */
  readonly dropped: readonly number[];
  /** Folder that the old log is kept in. */
  readonly retired: string;
}

/** Only while the member does not run. Rejects, and changes nothing, if the old log can't be read. */
export async function recoverLog(parts: RecoverLogParts): Promise<RecoveredLog> {
  const { identities, clusterId, log } = parts;
  const { identity, folder } = identities;
  if (identity.clusterId === '' || !identity.logMade) {
    throw new CellError(
      'CELL_E_CONFLICT',
      `Member "${identity.memberId}" has no log that the cluster could go on with`,
    );
  }
  await rm(join(folder, NEW_LOG_FOLDER), { recursive: true, force: true });
  const { lastIndex, dropped } = await buildLog(parts);
  const retiredLog = `raft.${identity.clusterId}`;
  const told = { lastIndex, dropped, clusterId, formerClusterId: identity.clusterId };
  log.warn(told, `Going on with member ${identity.memberId} alone, as cluster "${clusterId}"`);
  await identities.update((own) => ({
    ...own,
    clusterId,
    formerClusterIds: [...own.formerClusterIds, own.clusterId],
    origin: 'founded',
    members: own.members.filter(({ id }) => id === own.memberId),
    retiredLog,
  }));
  await finishRecovery(identities, log);
  return { lastIndex, dropped, retired: join(folder, retiredLog) };
}

/** Completes a recovery that a crash interrupted; removes what is left of one that never came to its moment. */
export async function finishRecovery(identities: IdentityStore, log: Logger): Promise<void> {
  const { folder, logFolder, identity } = identities;
  const made = join(folder, NEW_LOG_FOLDER);
  if (identity.retiredLog === '') {
    await rm(made, { recursive: true, force: true });
    return;
  }
  const retired = join(folder, identity.retiredLog);
  if (await exists(made)) {
    if (!(await exists(retired))) await rename(logFolder, retired);
    await rename(made, logFolder);
    await syncFolder(folder);
  }
  await identities.update((own) => ({ ...own, retiredLog: '' }));
  log.warn({ retired }, `The log of before the recovery is kept in "${retired}"`);
}

async function buildLog(parts: RecoverLogParts): Promise<{ lastIndex: number; dropped: readonly number[] }> {
  const { identities, clusterId } = parts;
  const { memberId: survivor, clusterId: formerClusterId } = identities.identity;
  const old = await openLogStore({
    directory: identities.logFolder,
    identity: { clusterId: formerClusterId, nodeId: survivor },
    bootstrap: undefined,
  });
  try {
    const machine = new FleetMachine({ changed: () => {}, applied: () => {} });
    await replay(old, machine);
    const lastIndex = old.lastIndex();
    const { hardState, conf: before } = old.initialState();
    if (before.voters.length === 0 && machine.state.members.size === 0) throw nothingYet(survivor);
    const term = hardState.term + 1;
    const index = lastIndex + INDEX_GAP;
    const command = { kind: 'recover-cluster', timeMs: parts.timeMs, survivor, clusterId, formerClusterId } as const;
    const [result] = machine.apply([{ index, term, type: 'normal', data: encodeCommand(command) }]);
    const dropped = droppedOf(result as CommandResult);
    const conf = { voters: [survivor], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
    await writeLog(identities, clusterId, { index, term, conf }, machine);
    return { lastIndex, dropped };
  } finally {
    await old.close();
  }
}

/** A newcomer before its first snapshot: agents would take its empty state for newer, and end all that they run. */
function nothingYet(memberId: number): CellError {
  const message = `Member "${memberId}" was let into the cluster and has nothing of the cluster's log yet`;
  return new CellError('CELL_E_CONFLICT', `${message}; recover with another member`);
}

/** All of the log, whatever is known to be committed. */
async function replay(store: LogStore, machine: FleetMachine): Promise<void> {
  const snapshot = newestSnapshot(store);
  if (snapshot !== undefined) await machine.restore(snapshot.meta, store.readSnapshot(snapshot));
  let next = (snapshot?.meta.index ?? store.firstIndex() - 1) + 1;
  while (next <= store.lastIndex()) {
    const entries: readonly Entry[] = store.entries(next, store.lastIndex() + 1, READ_BYTES_MAX);
    for (const entry of entries) {
      if (entry.type === 'normal') machine.apply([entry]);
      else machine.applyMembership('as-wanted', entry.index, decodeConfChange(entry.data).context);
    }
    next += entries.length;
  }
}

function newestSnapshot(store: LogStore) {
  try {
    return store.snapshot();
  } catch (error) {
    if (error instanceof LogError) return undefined;
    throw error;
  }
}

function droppedOf(result: CommandResult): readonly number[] {
  if (!result.ok) throw new CellError(result.code, `Cannot recover the cluster: ${result.message}`);
  return result['dropped'] as readonly number[];
}

async function writeLog(
  { folder, identity }: IdentityStore,
  clusterId: string,
  meta: SnapshotMeta,
  machine: FleetMachine,
): Promise<void> {
  const store = await openLogStore({
    directory: join(folder, NEW_LOG_FOLDER),
    identity: { clusterId, nodeId: identity.memberId },
    bootstrap: undefined,
  });
  try {
    const snapshot = await store.receiveSnapshot(meta, machine.capture());
    await store.installSnapshot(snapshot, { term: meta.term, vote: 0, commit: meta.index });
  } finally {
    await store.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
