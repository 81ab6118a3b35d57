/** Drains in words. */
import { AllocationState, DesiredState, type DrainWait, type GetNodeResponse, type Node } from '@cell/sdk';
import { oneLine } from '../../output/cell-text.ts';
import type { Style, Tone } from '../../output/style.ts';
import { isoSeconds, sentTimeMs, timeAndAge } from '../../output/timestamp-text.ts';
import { countOf, shortDuration } from '../../output/units.ts';
import { isEnded } from '../allocation/allocation-table.ts';

/** Jobs that are named before a drain; of the others there is their number. */
const JOBS_MAX = 5;

/** What a drain would move: `Node "a" has 3 allocations (web 2, sort 1)`. */
export function leavingText({ node, allocations }: GetNodeResponse): string {
  const counts = new Map<string, number>();
  for (const { job, state, desired } of allocations) {
    if (isEnded(state) || state === AllocationState.UNSPECIFIED || desired === DesiredState.STOP) continue;
    counts.set(job, (counts.get(job) ?? 0) + 1);
  }
  const sum = [...counts.values()].reduce((total, count) => total + count, 0);
  const jobs = [...counts].toSorted(([one, a], [other, b]) => b - a || (one < other ? -1 : 1));
  const named = jobs.slice(0, JOBS_MAX).map(([job, count]) => `${job} ${count}`);
  const more = jobs.length > JOBS_MAX ? [`${countOf(jobs.length - JOBS_MAX, 'other job')}`] : [];
  const which = sum === 0 ? '' : ` (${[...named, ...more].join(', ')})`;
  return `Node "${node?.name ?? ''}" has ${sum === 0 ? 'no' : sum} allocation${sum === 1 ? '' : 's'}${which}`;
}

/** What becomes of what does not go by itself. */
export function deadlineText(deadlineMs: bigint | undefined): string {
  if (deadlineMs === undefined) return 'what can not go stays for as long as it takes';
  if (deadlineMs === 0n) return 'all of it is stopped at once';
  return `what is left after ${shortDuration(Number(deadlineMs))} is stopped`;
}

/** `web/2 finds no room elsewhere: memory: …`, one per allocation. */
export function waitTexts(waits: readonly DrainWait[]): string[] {
  return waits.map(({ job, instance, reason }) => oneLine(`${job}/${instance} ${reason}`));
}

/** Lines of a node's details. */
export function drainDetails({ eligible, drain }: Node, style: Style): (readonly [string, string])[] {
  if (drain === undefined) return eligible ? [] : [['Eligible', 'no: it takes no new allocations']];
  const kept = drain.keepSystemJobs ? '; system jobs stay' : '';
  if (drain.finishedAt !== undefined) {
    const again = `"cellctl node undrain" lets it take allocations again`;
    return [['Drained', `${timeAndAge(drain.finishedAt, style)}${kept}; ${again}`]];
  }
  const { deadlineAt, remaining, waits } = drain;
  return [
    ['Draining', `since ${timeAndAge(drain.startedAt, style)}${kept}`],
    [
      '',
      deadlineAt === undefined
        ? 'without a deadline'
        : untilText(sentTimeMs(deadlineAt), isoSeconds(deadlineAt), style),
    ],
    ['Left', `${countOf(remaining, 'allocation')} to go`],
    ...waitTexts(waits).map((text) => ['', text] as const),
    ['', remaining > waits.length && waits.length > 0 ? `and ${remaining - waits.length} more` : ''],
  ];
}

function untilText(deadlineMs: number, deadline: string, { nowMs }: Style): string {
  if (deadlineMs <= nowMs) return 'its deadline has passed: what is left is stopped';
  return `what is left at ${deadline} (in ${shortDuration(deadlineMs - nowMs)}) is stopped`;
}

/** One word on a node that takes no allocations. */
export function outOfUseWord({ eligible, drain }: Node): { readonly text: string; readonly tone: Tone } | undefined {
  if (drain !== undefined) return { text: drain.finishedAt === undefined ? 'draining' : 'drained', tone: 'warning' };
  return eligible ? undefined : { text: 'ineligible', tone: 'warning' };
}
