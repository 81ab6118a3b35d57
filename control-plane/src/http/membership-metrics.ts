import type { RaftStatus } from '@cell/raft';
import { Gauge, type Registry } from 'prom-client';

type Member = RaftStatus['members'][number];

const MS_PER_SECOND = 1_000;

/**
 * Adds who belongs to the cluster and, on the leader, how far each member is. The label is a Raft id, of which there are
 * nine at most; members that have gone, and all of them once another member leads, are there no more.
 */
export function addMembershipMetrics(registry: Registry, status: () => RaftStatus): void {
  const counts: Gauge = new Gauge({
    name: 'cell_raft_members',
    help: "Members in Raft's configuration, by whether they vote.",
    labelNames: ['kind'],
    registers: [registry],
    collect: () => {
      const { voters, learners } = status().conf;
      counts.set({ kind: 'voter' }, voters.length);
      counts.set({ kind: 'learner' }, learners.length);
    },
  });
  const perMember = (name: string, help: string, read: (member: Member, lastIndex: number) => number | undefined) => {
    const made: Gauge = new Gauge({
      name,
      help,
      labelNames: ['member'],
      registers: [registry],
      collect: () => {
        made.reset();
        const { members, lastIndex } = status();
        for (const member of members) {
          const value = read(member, lastIndex);
          if (value !== undefined) made.set({ member: String(member.id) }, value);
        }
      },
    });
  };
  perMember(
    'cell_raft_member_match_index',
    'On the leader: highest log index that the member is known to have stored.',
    ({ match }) => match,
  );
  perMember(
    'cell_raft_member_lag_entries',
    "On the leader: entries of its log that the member isn't known to have stored.",
    ({ match }, lastIndex) => Math.max(0, lastIndex - match),
  );
  perMember(
    'cell_raft_member_last_contact_seconds',
    'On the leader: time since it heard of the member.',
    ({ lastContactMs }) => (lastContactMs === undefined ? undefined : lastContactMs / MS_PER_SECOND),
  );
  perMember(
    'cell_raft_member_inflight_bytes',
    'On the leader: bytes of entries on their way to the member.',
    ({ inflightBytes }) => inflightBytes,
  );
  perMember(
    'cell_raft_member_gets_snapshot',
    'On the leader: 1 if the member is so far behind that it is being sent a snapshot, else 0.',
    ({ state }) => (state === 'snapshot' ? 1 : 0),
  );
}
