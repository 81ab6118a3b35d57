import { type Setting, scalar } from './setting.ts';

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** "250ms", "1.5s", "10m", "2h", "1d" in milliseconds; undefined for anything else. */
export function parseDurationMs(text: string): number | undefined {
  const found = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text);
  const unitMs = found === null ? undefined : UNITS_MS[found[2]!];
  return unitMs === undefined ? undefined : Math.round(Number(found![1]) * unitMs);
}

/** A duration, read as milliseconds. The limits are written as people write durations. */
export function duration(min: string, max: string): Setting<number> {
  const minMs = parseDurationMs(min)!;
  const maxMs = parseDurationMs(max)!;
  return scalar(`a duration from "${min}" to "${max}"`, (value) => {
    const durationMs = typeof value === 'string' ? parseDurationMs(value) : undefined;
    return durationMs !== undefined && durationMs >= minMs && durationMs <= maxMs ? durationMs : undefined;
  });
}
