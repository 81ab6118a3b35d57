import type { DrillReport, PlainValue } from '@cell/sdk';
import { printable } from '../../output/cell-text.ts';
import { renderDetails } from '../../output/details.ts';
import { paint, type Style } from '../../output/style.ts';
import { countOf, seconds } from '../../output/units.ts';
import type { View } from '../../output/view.ts';
import { wrapText } from '../../output/wrap-text.ts';

export function reportView(report: DrillReport): View {
  return {
    plain: () => plainReport(report),
    text(style) {
      const how = report.mode === 'crash' ? 'member killed' : 'leadership handed over';
      return [
        `${paint(`Failover drill, ${how}: member ${report.leaderBefore} led`, 'strong', style)}\n`,
        renderDetails(reportRows(report), style),
        `${report.warnings.map((warning) => `${paint('WARNING', 'warning', style)} ${wrapped(warning, 8, style)}\n`).join('')}${verdict(report, style)}`,
      ].join('\n');
    },
  };
}

function reportRows(report: DrillReport): (readonly [string, string])[] {
  const { limits, writes, workloads, agents } = report;
  const limit = (durationMs: number) => `(limit ${seconds(durationMs)})`;
  const leader =
    report.newLeaderMs === undefined || report.leaderAfter === undefined
      ? 'none seen'
      : `member ${report.leaderAfter} after ${seconds(report.newLeaderMs)} ${limit(limits.newLeaderMsMax)}`;
  const pause =
    writes.pauseMs === undefined ? 'none came' : `after ${seconds(writes.pauseMs)} ${limit(limits.pauseMsMax)}`;
  const lost = writes.lost === undefined ? 'not audited' : `${writes.lost.length} lost`;
  const disturbed = workloads.disturbed === undefined ? 'not known' : `${workloads.disturbed.length} disturbed`;
  return [
    ['New leader', leader],
    ['Next acknowledged write', pause],
    ['Acknowledged writes', `${writes.acknowledged}, of these ${lost}`],
    ['Workloads', `${workloads.ran} ran, ${disturbed}`],
    ['Agents', `${agents.after} of ${agents.before} connected`],
    ...(report.mode === 'crash' ? [['Killed member', memberText(report)] as const] : []),
  ];
}

function memberText({ memberBackMs }: DrillReport): string {
  return memberBackMs === undefined ? 'not back' : `back after ${seconds(memberBackMs)}`;
}

function verdict({ passed, reasons }: DrillReport, style: Style): string {
  if (passed) return `${paint('PASS', 'good', style)}\n`;
  const lines = reasons.map((reason) => `  ${wrapped(reason, 2, style)}\n`);
  return `${paint('FAIL', 'bad', style)} (${countOf(reasons.length, 'reason')})\n${lines.join('')}`;
}

function wrapped(text: string, indent: number, { width }: Style): string {
  return wrapText(printable(text), width - indent).replaceAll('\n', `\n${' '.repeat(indent)}`);
}

/** What was not seen is null. */
function plainReport(report: DrillReport): PlainValue {
  return JSON.parse(
    JSON.stringify(report, (_key, value: unknown) => (value === undefined ? null : value)),
  ) as PlainValue;
}
