import {
  CellApiError,
  type CellClient,
  type GetFleetStatusResponse,
  GetFleetStatusResponseSchema,
  plainMessage,
  Severity,
} from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { readFlagSpecs } from '../../command-line/global-flags.ts';
import { printable } from '../../output/cell-text.ts';
import { paint, type Style } from '../../output/style.ts';
import { countOf } from '../../output/units.ts';
import type { View } from '../../output/view.ts';
import { showView } from '../../output/watch-view.ts';
import { wrapText } from '../../output/wrap-text.ts';
import { renderMembers } from '../control-plane/member-table.ts';
import { renderJobs } from '../job/job-table.ts';
import { renderRefused } from './refused-view.ts';

export const fleetStatus = defineCommand({
  path: ['fleet', 'status'],
  summary: 'one answer to: is it all right, and if not, what to do',
  description: [
    'Shows the members of the control plane, the nodes, the jobs, and everything that is not right with what to do ' +
      'about it. Without a leader it shows what the asked member knows, and says so.',
    'Who was not let in during the last hour is shown with why: agents, members and people, with a token or a ' +
      'certificate that is no good. Machines that were refused in the last ten minutes count as not right. Tokens that ' +
      'are limited to a namespace do not see it.',
  ],
  arguments: {},
  flags: {
    ...readFlagSpecs,
    'exit-code': { kind: 'switch', summary: 'exit with 1 if something is not right' },
  },
  exitCodes: { 0: 'the fleet was asked', 1: 'error; with --exit-code also: something is not right' },
  examples: [
    { command: 'cellctl fleet status', what: 'Look once' },
    { command: 'cellctl fleet status --exit-code -o json', what: 'For monitoring' },
  ],
  async run(input) {
    const { flags, world } = input;
    let problems = 0;
    await showView(input, flags.watch, async () => {
      const { status, stale } = await readStatus(
        input.client(),
        flags.stale,
        input.connection().timeoutMs,
        world.signal,
      );
      if (stale && !flags.stale) await input.note('No leader answered: this is what the asked member knows');
      problems = problemCount(status);
      return fleetView(status);
    });
    return flags['exit-code'] && problems > 0 ? 1 : 0;
  },
});

/** People who ask this may well have no leader; an election is over before that. */
const FRESH_MS_MAX = 3_000;

/**
 * Without a leader, or without an answer in time, what one member knows is better than nothing. The last member tried
 * may be a dead one, so that one being unreachable says nothing of the others.
 */
const NO_FRESH_ANSWER: ReadonlySet<string> = new Set([
  'CELL_E_NO_LEADER',
  'CELL_E_TIMEOUT',
  'CELL_E_PEER_UNREACHABLE',
  'CELL_E_UNREACHABLE',
  'CELL_E_CONNECTION_LOST',
]);

async function readStatus(
  client: CellClient,
  stale: boolean,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ readonly status: GetFleetStatusResponse; readonly stale: boolean }> {
  try {
    const options = { signal, timeoutMs: stale ? timeoutMs : Math.min(timeoutMs, FRESH_MS_MAX) };
    return { status: await client.fleet.getFleetStatus({ stale }, options), stale };
  } catch (error) {
    if (stale || !(error instanceof CellApiError) || !NO_FRESH_ANSWER.has(error.code)) throw error;
    return { status: await client.fleet.getFleetStatus({ stale: true }, { signal, timeoutMs }), stale: true };
  }
}

export function fleetView(status: GetFleetStatusResponse): View {
  return {
    plain: () => plainMessage(GetFleetStatusResponseSchema, status),
    text: (style) =>
      [
        headline(status, style),
        renderMembers(status.members, style),
        nodesLine(status, style),
        status.jobs.length === 0 ? 'No jobs\n' : renderJobs(status.jobs, style),
        ...(status.refused.length === 0 ? [] : [renderRefused(status.refused, style)]),
        ...status.notices.map(({ message, advice }) => renderNotice(message, advice, style)),
        verdict(status, style),
      ].join('\n'),
  };
}

/** Also machines that try to come in and are not let. */
function problemCount({ problems, refused }: GetFleetStatusResponse): number {
  return problems.length + refused.filter(({ goesOn }) => goesOn).length;
}

function headline({ cluster, leaderId, index }: GetFleetStatusResponse, style: Style): string {
  const leader = leaderId === 0n ? paint('no leader', 'bad', style) : `member ${leaderId} leads`;
  return `Cluster "${printable(cluster)}": ${leader}, index ${index}\n`;
}

function nodesLine(
  { nodesReady, nodesLost, nodesDrained, nodesIneligible }: GetFleetStatusResponse,
  style: Style,
): string {
  const out = [
    ...(nodesDrained === 0 ? [] : [`${nodesDrained} drained`]),
    ...(nodesIneligible === 0 ? [] : [`${nodesIneligible} ineligible`]),
  ];
  const unused = out.length === 0 ? '' : ` (${paint(out.join(', '), 'warning', style)})`;
  const lost = nodesLost === 0 ? '' : `, ${paint(`${nodesLost} lost`, 'bad', style)}`;
  return `${countOf(nodesReady, 'node')} ready${unused}${lost}\n`;
}

function verdict(status: GetFleetStatusResponse, style: Style): string {
  const { problems } = status;
  const count = problemCount(status);
  if (count === 0) return `${paint('All is right', 'good', style)}\n`;
  const lines = problems.map((problem) => {
    const critical = problem.severity === Severity.CRITICAL;
    const mark = paint(critical ? 'CRITICAL' : 'WARNING', critical ? 'bad' : 'warning', style);
    const advice = problem.advice === '' ? '' : `\n  ${indented(problem.advice, style)}`;
    return `${mark}\n  ${indented(problem.message, style)}${advice}\n`;
  });
  return `${lines.join('')}${countOf(count, 'thing is', 'things are')} not right\n`;
}

function renderNotice(message: string, advice: string, style: Style): string {
  return `To know\n  ${indented(message, style)}\n  ${indented(advice, style)}\n`;
}

function indented(text: string, { width }: Style): string {
  return wrapText(printable(text), width - 2).replaceAll('\n', '\n  ');
}
