/** The core's status as the driver tells it. */
import type { NodeId, Status } from '../core/index.ts';
import type { LastContacts } from './last-contacts.ts';
import type { RaftStatus } from './ports.ts';

/** All but what only the driver knows. */
export function coreStatus(core: Status, contacts: LastContacts): Omit<RaftStatus, 'snapshotIndex' | 'disk'> {
  const { progress, transferee: _, ...status } = core;
  const members = [...progress].map(([id, { learner, match, state, recentlyActive }]) => {
    const lastContactMs = id === status.id ? undefined : contacts.ageMs(id);
    return { id, learner, match, state, recentlyActive, lastContactMs };
  });
  return { ...status, members };
}

/** Voters that could lead instead, the one with the most of the log first; undefined if this member does not lead. */
export function successorsOf({ id: own, role, conf, progress }: Status): readonly NodeId[] | undefined {
  if (role !== 'leader') return undefined;
  return [...progress]
    .filter(([id, { recentlyActive }]) => id !== own && recentlyActive && conf.voters.includes(id))
    .sort(([, one], [, other]) => other.match - one.match)
    .map(([id]) => id);
}
