import type { JobSpec } from '@cell/job';
import {
  type FieldChange,
  type PlanJobResponse,
  PlanJobResponseSchema,
  type PlannedAction,
  plainMessage,
} from '@cell/sdk';
import { cutToWidth, oneLine } from '../../output/cell-text.ts';
import { paint, type Style, type Tone } from '../../output/style.ts';
import { type Column, renderTable } from '../../output/table.ts';
import type { View } from '../../output/view.ts';
import { renderUnplaced } from './job-table.ts';

const MARKS: Readonly<Record<string, { readonly mark: string; readonly tone: Tone }>> = {
  place: { mark: '+', tone: 'good' },
  replace: { mark: '~', tone: 'warning' },
  stop: { mark: '-', tone: 'bad' },
  keep: { mark: '=', tone: 'faint' },
};

const ACTION_COLUMNS: readonly Column[] = [
  { title: '' },
  { title: 'ACTION' },
  { title: 'INSTANCE', align: 'right' },
  { title: 'NODE', widthMin: 8 },
  { title: 'WHY', widthMin: 20, cut: 'end' },
];
/** Instances that one sees at a glance; the rest is counted. */
const ACTIONS_SHOWN_MAX = 20;

export function planView(spec: JobSpec, plan: PlanJobResponse): View {
  return {
    plain: () => plainMessage(PlanJobResponseSchema, plan),
    text: (style) => renderPlan(spec, plan, style),
  };
}

export function renderPlan(spec: JobSpec, plan: PlanJobResponse, style: Style): string {
  const unplaced =
    plan.unplaced === undefined || plan.unplaced.count === 0 ? [] : [renderUnplaced(plan.unplaced, style)];
  if (plan.unchanged) return [`Job "${spec.name}" is unchanged: version ${plan.version}\n`, ...unplaced].join('\n');
  const headline =
    plan.index === 0n
      ? `Job "${spec.name}" is new: a ${spec.type} job`
      : `Job "${spec.name}" becomes version ${plan.version}: a ${spec.type} job`;
  return [
    `${paint(headline, 'strong', style)}\n`,
    ...(plan.fields.length === 0 || plan.index === 0n ? [] : [renderFields(plan.fields, style)]),
    ...(plan.actions.length === 0 ? [] : [renderActions(plan.actions, style)]),
    ...unplaced,
  ].join('\n');
}

function renderFields(fields: readonly FieldChange[], style: Style): string {
  const pathWidth = Math.max(...fields.map(({ path }) => path.length));
  return fields
    .map(({ path, before, after }) => {
      const change = `${before === '' ? '(none)' : before} → ${after === '' ? '(none)' : after}`;
      return `${cutToWidth(oneLine(`  ${path.padEnd(pathWidth)}  ${change}`), style.width, 'end')}\n`;
    })
    .join('');
}

function renderActions(actions: readonly PlannedAction[], style: Style): string {
  const shown = style.wide ? actions : actions.slice(0, ACTIONS_SHOWN_MAX);
  const rows = shown.map(({ kind, instance, nodeName, reason }) => {
    const known = MARKS[kind];
    const cell = (text: string) => ({ text, tone: known?.tone });
    return [cell(known?.mark ?? '?'), cell(kind), String(instance), nodeName === '' ? '-' : nodeName, reason];
  });
  const table = renderTable(ACTION_COLUMNS, rows, style);
  return shown.length === actions.length
    ? table
    : `${table}and ${actions.length - shown.length} more; "-o wide" shows all\n`;
}
