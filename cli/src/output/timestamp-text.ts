import type { Style } from './style.ts';
import { shortDuration } from './units.ts';

/** A point in time as the contract sends it. */
export interface SentTime {
  readonly seconds: bigint;
  readonly nanos: number;
}

export function sentTimeMs(time: SentTime): number {
  return Number(time.seconds) * 1000 + Math.floor(time.nanos / 1_000_000);
}

/** How long ago: "5m"; empty if it never was. */
export function age(time: SentTime | undefined, { nowMs }: Pick<Style, 'nowMs'>): string {
  return time === undefined ? '' : shortDuration(nowMs - sentTimeMs(time));
}

/** "2026-01-02 03:04:05Z (5m ago)". */
export function timeAndAge(time: SentTime | undefined, style: Pick<Style, 'nowMs'>): string {
  if (time === undefined) return 'never';
  return `${isoSeconds(time)} (${age(time, style)} ago)`;
}

export function isoSeconds(time: SentTime): string {
  const date = new Date(sentTimeMs(time));
  // A time that no calendar has.
  if (Number.isNaN(date.getTime())) return `${time.seconds} s since 1970`;
  return `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

const MS_PER_MINUTE = 60_000;

/** A point in time to come: "2026-01-02 03:04:05Z (in 5m)", or in short "5m"; one that is over "… (5m ago)". */
export function untilText(time: SentTime, { nowMs }: Pick<Style, 'nowMs'>, form: 'whole' | 'short' = 'whole'): string {
  const exactMs = sentTimeMs(time) - nowMs;
  // To the minute: what was just made for an hour ends in one, not in 59 minutes.
  const leftMs = exactMs < MS_PER_MINUTE ? exactMs : exactMs + MS_PER_MINUTE / 2;
  if (form === 'short') return shortDuration(leftMs);
  return `${isoSeconds(time)} (${leftMs >= 0 ? `in ${shortDuration(leftMs)}` : `${shortDuration(-leftMs)} ago`})`;
}
