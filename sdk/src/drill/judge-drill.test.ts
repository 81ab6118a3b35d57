import { expect, test } from 'vitest';
import type { DrillObservations } from './drill-observations.ts';
import { judgeDrill } from './judge-drill.ts';

const limits = { newLeaderMsMax: 5_000, pauseMsMax: 5_000 };
const good: DrillObservations = {
  drillId: 'd-1',
  mode: 'crash',
  leaderBefore: 2,
  leaderAfter: 3,
  newLeaderMs: 620,
  writes: { acknowledged: 200, acknowledgedBefore: 100, pauseMs: 710, lost: [], auditError: '' },
  workloads: { ran: 3, disturbed: [] },
  agents: { before: 5, after: 5 },
  memberBackMs: 1_500,
};
const writes = (changed: Partial<DrillObservations['writes']>) => ({ writes: { ...good.writes, ...changed } });

test('a failover in which all is as it should be passes', () => {
  expect(judgeDrill(good, limits)).toMatchObject({ passed: true, reasons: [], warnings: [] });
});

test.each<[Partial<DrillObservations>, string]>([
  [writes({ lost: [7] }), '1 of 200 acknowledged writes are lost: marks 7'],
  [writes({ lost: [1, 2, 3, 4, 5, 6] }), '6 of 200 acknowledged writes are lost: marks 1, 2, 3, 4, 5, …'],
  [writes({ lost: undefined, auditError: 'no leader' }), 'Could not audit the acknowledged writes: no leader'],
  [writes({ acknowledgedBefore: 0 }), 'No write was acknowledged before the fault, so nothing was put at risk'],
  [writes({ pauseMs: undefined }), 'No write was acknowledged after the fault'],
  [writes({ pauseMs: 5_001 }), 'Writes paused for 5.00 s, longer than 5.00 s'],
  [{ leaderAfter: undefined, newLeaderMs: undefined }, 'No new leader was seen after member 2'],
  [{ newLeaderMs: 7_250 }, 'A new leader took 7.25 s, longer than 5.00 s'],
  [{ workloads: { ran: 3, disturbed: ['Instance 0 was restarted'] } }, 'Instance 0 was restarted'],
  [{ workloads: { ran: 3, disturbed: undefined } }, 'Could not find out whether workloads ran on'],
  [{ agents: { before: 5, after: 3 } }, '2 of 5 agents did not come back to the control plane'],
])('%j fails', (changed, reason) => {
  expect(judgeDrill({ ...good, ...changed }, limits)).toMatchObject({ passed: false, reasons: [reason] });
});

test('the limits themselves still pass', () => {
  const seen = { ...good, newLeaderMs: 5_000, ...writes({ pauseMs: 5_000 }) };
  expect(judgeDrill(seen, limits).passed).toBe(true);
});

test('every reason is told, and losses come first', () => {
  const seen = { ...good, ...writes({ lost: [1], pauseMs: undefined }), newLeaderMs: undefined };
  expect(judgeDrill(seen, limits).reasons.map((reason) => reason.slice(0, 10))).toEqual([
    '1 of 200 a',
    'No write w',
    'No new lea',
  ]);
});

test('a crashed member that stays away is a warning, a transfer has none', () => {
  const away = judgeDrill({ ...good, memberBackMs: undefined }, limits);
  expect(away.passed).toBe(true);
  expect(away.warnings).toEqual([expect.stringContaining('Member 2 has not come back: nothing restarts it here')]);
  expect(judgeDrill({ ...good, mode: 'transfer', memberBackMs: undefined }, limits).warnings).toEqual([]);
});
