import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { patientMembers } from '../harness/patient-members.ts';
import { testFleet } from '../harness/test-fleet.ts';

test('a member serves its metrics, its state and what to scrape', async (context) => {
  const fleet = await testFleet({ members: 3, memberSettings: patientMembers('4s') });
  const leader = await fleet.leader();
  const follower = await fleet.follower();
  const applied = async () => (await follower.metric('cell_raft_proposals_total{outcome="applied"}')) ?? 0;
  const before = await applied();
  await fleet.operators(follower).drills.writeMark({ drillId: 'metrics', sequence: 0n });
  expect(await applied()).toBe(before + 1);
  expect(await leader.metric('cell_raft_is_leader')).toBe(1);
  expect(await follower.metric('cell_raft_is_leader')).toBe(0);
  expect(await leader.metric('cell_raft_commit_index')).toBeGreaterThan(0);
  expect(await leader.metric('cell_raft_fsync_seconds_count')).toBeGreaterThan(0);
  expect(await leader.metric(`cell_raft_peer_connected{peer="${follower.id}"}`)).toBe(1);
  expect((await leader.http('/livez')).body).toBe('ok\n');
  expect(JSON.parse((await leader.http('/v1/sd')).body)).toEqual(
    fleet.members.map(({ id, httpAddress }) => ({
      targets: [httpAddress],
      labels: { __meta_cell_role: 'control-plane', __meta_cell_node: `member-${id}`, __meta_cell_cluster: 'test' },
    })),
  );
  const prometheus = process.env['CELL_TEST_PROMETHEUS_DIR'];
  if (prometheus === undefined) return context.skip('There is no promtool');
  const { body } = await leader.http('/metrics');
  expect(execFileSync(join(prometheus, 'promtool'), ['check', 'metrics'], { input: body, encoding: 'utf8' })).toBe('');
});
