import { enumWord, type Job, JobStatus, JobStatusSchema, JobTypeSchema, type PlacementFailure } from '@cell/sdk';
import { printable } from '../../output/cell-text.ts';
import type { Style, Tone } from '../../output/style.ts';
import { type Column, renderTable } from '../../output/table.ts';
import { age } from '../../output/timestamp-text.ts';
import { countOf } from '../../output/units.ts';
import { wrapText } from '../../output/wrap-text.ts';

const COLUMNS: readonly Column[] = [
  { title: 'JOB', widthMin: 12 },
  { title: 'TYPE' },
  { title: 'STATUS' },
  { title: 'INSTANCES', widthMin: 18, cut: 'end' },
  { title: 'VERSION', align: 'right' },
  { title: 'AGE', align: 'right' },
];

const TONES: ReadonlyMap<JobStatus, Tone> = new Map([
  [JobStatus.PENDING, 'warning'],
  [JobStatus.RUNNING, 'good'],
  [JobStatus.DEGRADED, 'bad'],
  [JobStatus.COMPLETE, 'good'],
  [JobStatus.FAILED, 'bad'],
  [JobStatus.STOPPED, 'faint'],
]);

export function renderJobs(jobs: readonly Job[], style: Style): string {
  const rows = jobs.map((job) => [
    job.spec?.name ?? '',
    jobType(job),
    jobStatusCell(job),
    instancesText(job),
    String(job.version),
    age(job.submittedAt, style),
  ]);
  return renderTable(COLUMNS, rows, style);
}

export function jobType({ spec }: Job): string {
  return spec === undefined ? '' : enumWord(JobTypeSchema, spec.type);
}

export function jobStatusCell({ status }: Job): { readonly text: string; readonly tone: Tone | undefined } {
  return { text: enumWord(JobStatusSchema, status), tone: TONES.get(status) };
}

/** "3 of 3 healthy", "1 of 4 complete, 1 failed, 2 running". */
export function instancesText({ status, counts, unplaced }: Job): string {
  if (counts === undefined) return '';
  if (status === JobStatus.STOPPED) {
    const ending = counts.running + counts.starting;
    return ending === 0 ? 'none' : `${ending} ending`;
  }
  const running = counts.running - counts.healthy;
  const parts = [
    counts.complete > 0
      ? `${counts.complete} of ${counts.desired} complete`
      : `${counts.healthy} of ${counts.desired} healthy`,
    counts.complete > 0 && counts.healthy > 0 ? `${counts.healthy} healthy` : '',
    running > 0 ? `${running} running` : '',
    counts.starting > 0 ? `${counts.starting} starting` : '',
    counts.failed > 0 ? `${counts.failed} failed` : '',
    counts.lost > 0 ? `${counts.lost} lost` : '',
    (unplaced?.count ?? 0) > 0 ? `${unplaced?.count} unplaced` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** Why instances find no node, with the smallest change that would help. */
export function renderUnplaced({ count, reasons, hint }: PlacementFailure, style: Style): string {
  const lines = [
    `${countOf(count, 'instance finds', 'instances find')} no node:`,
    ...reasons.map((refusal) => `  ${indented(describeRefusal(refusal), style)}`),
    ...(hint === '' ? [] : [`  ${indented(`To place one more: ${hint}`, style)}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Not every reason rules out nodes: a version that keeps failing is not placed anywhere. */
function describeRefusal({ reason, nodes }: { readonly reason: string; readonly nodes: number }): string {
  return nodes === 0 ? reason : `${reason} (${countOf(nodes, 'node')})`;
}

function indented(text: string, { width }: Style): string {
  return wrapText(printable(text), width - 4).replaceAll('\n', '\n    ');
}
