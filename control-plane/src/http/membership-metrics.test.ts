import type { RaftStatus } from '@cell/raft';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { addMembershipMetrics } from './membership-metrics.ts';

function statusOf(members: readonly Partial<RaftStatus['members'][number]>[]): RaftStatus {
  const conf = { voters: [1, 2], learners: [3], votersOutgoing: [], learnersNext: [], autoLeave: false };
  return { conf, lastIndex: 100, members } as unknown as RaftStatus;
}

/** Lines about members, in order. */
async function told(registry: Registry): Promise<string[]> {
  const lines = (await registry.metrics()).split('\n');
  return lines.filter((line) => line.startsWith('cell_raft_member')).sort();
}

test('on the leader each member has its figures, and elsewhere or once it is gone it has none', async () => {
  const registry = new Registry();
  let status = statusOf([
    { id: 1, match: 100, state: 'replicate', lastContactMs: undefined, inflightBytes: 0 },
    { id: 3, match: 40, state: 'snapshot', lastContactMs: 250, inflightBytes: 70 },
  ]);
  addMembershipMetrics(registry, () => status);
  expect(await told(registry)).toEqual([
    'cell_raft_member_gets_snapshot{member="1"} 0',
    'cell_raft_member_gets_snapshot{member="3"} 1',
    'cell_raft_member_inflight_bytes{member="1"} 0',
    'cell_raft_member_inflight_bytes{member="3"} 70',
    'cell_raft_member_lag_entries{member="1"} 0',
    'cell_raft_member_lag_entries{member="3"} 60',
    'cell_raft_member_last_contact_seconds{member="3"} 0.25',
    'cell_raft_member_match_index{member="1"} 100',
    'cell_raft_member_match_index{member="3"} 40',
    'cell_raft_members{kind="learner"} 1',
    'cell_raft_members{kind="voter"} 2',
  ]);
  status = statusOf([]);
  expect(await told(registry)).toEqual(['cell_raft_members{kind="learner"} 1', 'cell_raft_members{kind="voter"} 2']);
});
