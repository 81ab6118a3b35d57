/** The core's status as the driver tells it. */
import type { NodeId, Status } from '../core/index.ts';
import type { LastContacts } from './last-contacts.ts';
import type { LogStore, MemoryUse, RaftStatus } from './ports.ts';
import type { Proposals } from './proposals.ts';
import type { Reads } from './reads.ts';

/** All but what only the driver knows. */
export function coreStatus(
  core: Status,
  contacts: LastContacts,
): Omit<RaftStatus, 'snapshotIndex' | 'disk' | 'memory'> {
  const { progress, transferee: _, ...status } = core;
  const members = [...progress].map(([id, { learner, match, state, recentlyActive, inflightBytes }]) => {
    const lastContactMs = id === status.id ? undefined : contacts.ageMs(id);
    return { id, learner, match, state, recentlyActive, lastContactMs, inflightBytes };
  });
  return { ...status, members };
}

export function memoryUse(store: LogStore, proposals: Proposals, reads: Reads): MemoryUse {
  return {
    logEntries: store.lastIndex() - store.firstIndex() + 1,
    logBytes: store.memoryBytes,
    pendingProposals: proposals.pending,
    pendingProposalBytes: proposals.pendingBytes,
    pendingReads: reads.pending,
  };
}

/** Voters that could lead instead, the one with the most of the log first; undefined if this member does not lead. */
export function successorsOf({ id: own, role, conf, progress }: Status): readonly NodeId[] | undefined {
  if (role !== 'leader') return undefined;
  return [...progress]
    .filter(([id, { recentlyActive }]) => id !== own && recentlyActive && conf.voters.includes(id))
    .sort(([, one], [, other]) => other.match - one.match)
    .map(([id]) => id);
}
