/** The control plane as the asked member sees it: what each member says of itself, and what the leader says of it. */
import type { ConfState } from '@cell/raft';
import type { MemberAddress, MemberReplication, MemberStatus } from '../ports.ts';
import { probeMembers, type StateParts } from './read-state.ts';

export interface ControlPlaneView {
  /** 0 if none is known. */
  readonly leaderId: number;
  /** Ordered by id. */
  readonly members: readonly MemberView[];
}

/** What a member is to the cluster, by Raft's configuration as the asked member has applied it. */
export type MemberKind = 'voter' | 'learner' | 'invited';

export interface MemberView {
  readonly address: MemberAddress;
  readonly kind: MemberKind;
  /** Undefined if it did not answer. */
  readonly status: MemberStatus | undefined;
  /** Undefined if there is no leader to ask, or it did not answer. */
  readonly progress: MemberProgress | undefined;
}

export interface MemberProgress extends MemberReplication {
  /** Entries of the leader's log that it is not known to have stored. */
  readonly lagEntries: number;
}

const replicationTimeoutMs = 1_000;

/** Asks all members at once, and the leader how far they are. */
export async function viewControlPlane(parts: StateParts): Promise<ControlPlaneView> {
  const { consensus, peers } = parts;
  const { leaderId } = consensus.leadership;
  const addresses = peers.members;
  const [probed, progress] = await Promise.all([probeMembers(parts), askProgress(parts)]);
  const { conf } = consensus.status();
  const members = addresses.map((address): MemberView => {
    const { id } = address;
    const status = probed.find((member) => member.id === id)?.status;
    return { address, kind: kindOf(conf, id), status, progress: progress.get(id) };
  });
  return { leaderId, members };
}

async function askProgress({ consensus }: StateParts): Promise<ReadonlyMap<number, MemberProgress>> {
  // There may be no leader, or it may be away by now. What members say of themselves is worth showing without it.
  const replication = await consensus.replication(replicationTimeoutMs).catch(() => undefined);
  if (replication === undefined) return new Map();
  const { lastIndex, members } = replication;
  return new Map(
    members.map((member) => [member.id, { ...member, lagEntries: Math.max(0, lastIndex - member.matchIndex) }]),
  );
}

function kindOf({ voters, votersOutgoing, learners }: ConfState, id: number): MemberKind {
  if (voters.includes(id) || votersOutgoing.includes(id)) return 'voter';
  return learners.includes(id) ? 'learner' : 'invited';
}
