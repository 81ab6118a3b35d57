import { expect, test } from 'vitest';
import { figureOf } from './lose-leader.ts';

const report = `Failover drill, member killed: member 1 led

New leader               member 3 after 0.61 s (limit 5.00 s)
Next acknowledged write  after 0.59 s (limit 5.00 s)
Acknowledged writes      204, of these 0 lost
Workloads                3 ran, 0 disturbed
Agents                   5 of 5 connected
Killed member            back after 1.83 s

PASS
`;

test("the drill's figures are those of its report", () => {
  expect(figureOf(report)).toBe('new leader 0.61 s, next write 0.59 s, 0 of 204 writes lost, 0 workloads disturbed');
});

test.each([
  ['a lost write', report.replace('these 0 lost', 'these 1 lost')],
  ['a disturbed workload', report.replace('0 disturbed', '2 disturbed')],
  ['no new leader', report.replace(/member 3 after 0.61 s/, 'none seen')],
  ['no audit', report.replace('204, of these 0 lost', '204, of these not audited')],
])('a report with %s is a failure, whatever its verdict', (_what, wrong) => {
  expect(() => figureOf(wrong)).toThrow('drill');
});
