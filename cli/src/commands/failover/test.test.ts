import type { DrillReport } from '@cell/sdk';
import { expect, test } from 'vitest';
import { runCellctl } from '../../testing/run-cellctl.ts';
import { reportView } from './report-view.ts';

const report: DrillReport = {
  drillId: 'd-1',
  mode: 'crash',
  leaderBefore: 2,
  leaderAfter: 3,
  newLeaderMs: 624,
  writes: { acknowledged: 412, acknowledgedBefore: 100, pauseMs: 711, lost: [], auditError: '' },
  workloads: { ran: 3, disturbed: [] },
  agents: { before: 5, after: 5 },
  memberBackMs: 1_500,
  limits: { newLeaderMsMax: 5_000, pauseMsMax: 5_000 },
  passed: true,
  reasons: [],
  warnings: [],
};
const style = { width: 80, wide: false, colours: false, nowMs: 0 };

test('the report of a drill that passed', () => {
  expect(reportView(report).text(style)).toBe(
    [
      'Failover drill, member killed: member 2 led',
      '',
      'New leader               member 3 after 0.62 s (limit 5.00 s)',
      'Next acknowledged write  after 0.71 s (limit 5.00 s)',
      'Acknowledged writes      412, of these 0 lost',
      'Workloads                3 ran, 0 disturbed',
      'Agents                   5 of 5 connected',
      'Killed member            back after 1.50 s',
      '',
      'PASS',
      '',
    ].join('\n'),
  );
});

test('the report of a drill that failed names every reason', () => {
  const failed: DrillReport = {
    ...report,
    leaderAfter: undefined,
    newLeaderMs: undefined,
    writes: { ...report.writes, pauseMs: undefined, lost: undefined },
    workloads: { ran: 3, disturbed: undefined },
    memberBackMs: undefined,
    passed: false,
    reasons: ['No new leader was seen after member 2', 'No write was acknowledged after the fault'],
    warnings: ['Member 2 has not come back: nothing restarts it here'],
  };
  expect(reportView(failed).text(style).split('\n').slice(2)).toEqual([
    'New leader               none seen',
    'Next acknowledged write  none came',
    'Acknowledged writes      412, of these not audited',
    'Workloads                3 ran, not known',
    'Agents                   5 of 5 connected',
    'Killed member            not back',
    '',
    'WARNING Member 2 has not come back: nothing restarts it here',
    'FAIL (2 reasons)',
    '  No new leader was seen after member 2',
    '  No write was acknowledged after the fault',
    '',
  ]);
  expect(reportView(failed).plain()).toMatchObject({ passed: false, newLeaderMs: null, writes: { lost: null } });
});

test('where nobody can be asked, the drill needs --yes; on a terminal, a yes', async () => {
  const silent = await runCellctl(['failover', 'test'], {});
  expect(silent).toMatchObject({ exitCode: 1, calls: [] });
  expect(silent.errors).toBe(
    'CELL_E_NOT_CONFIRMED: The drill kills the leader process with SIGKILL; say "--yes" if you want that\n',
  );
  const refused = await runCellctl(['failover', 'test'], {}, { terminalColumns: 80, input: 'n' });
  expect(refused).toMatchObject({ exitCode: 1, calls: [] });
});

test('a fleet that is not all right is not drilled', async () => {
  const getFleetStatus = () => ({ problems: [{ message: 'Node "node-3" is lost' }] });
  const result = await runCellctl(['failover', 'test', '--yes'], { getFleetStatus });
  expect(result.exitCode).toBe(1);
  expect(result.errors).toMatch(/^CELL_E_NOT_READY: .*Node "node-3" is lost/);
  expect(result.calls).toEqual(['getFleetStatus']);
});
