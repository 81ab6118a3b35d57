import { quantity } from './quantity.ts';
import type { ValueType } from './value-type.ts';

const unitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
type Unit = keyof typeof unitsMs;

const WRITTEN = /^(\d{1,12})(ms|s|m|h)$/;

interface DurationOptions {
  readonly minMs: number;
  readonly maxMs: number;
}

/** A length of time: "500ms", "10s", "5m" or "1h" in a file, whole milliseconds in a JobSpec. */
export function duration({ minMs, maxMs }: DurationOptions): ValueType<number> {
  const range = `from ${renderDuration(minMs)} to ${renderDuration(maxMs)}`;
  const allowed = `a length of time ${range}, such as "10s" (a whole number and ms, s, m or h)`;
  return quantity({ min: minMs, max: maxMs, allowed, parse: parseDuration, render: renderDuration, hint });
}

/** Milliseconds, or undefined if the text is no length of time. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = WRITTEN.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * unitsMs[unit as Unit];
}

/** In the largest unit that gives a whole number: 90000 is "90s". */
export function renderDuration(valueMs: number): string {
  const units: readonly Unit[] = ['h', 'm', 's'];
  const unit = valueMs === 0 ? 's' : (units.find((each) => valueMs % unitsMs[each] === 0) ?? 'ms');
  return `${valueMs / unitsMs[unit]}${unit}`;
}

function hint(value: unknown): string | undefined {
  return typeof value === 'number' ? `write it with its unit: "${value}s"` : undefined;
}
