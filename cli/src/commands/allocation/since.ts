import { parseDurationMs } from '@cell/config';
import { CliError } from '../../cli-error.ts';

const RFC_3339 = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

/** A point in time as people write it: "10m" for ten minutes ago, or RFC 3339. Throws `CliError` `CELL_E_USAGE`. */
export function parseSince(text: string, nowMs: number): { readonly seconds: bigint; readonly nanos: number } {
  const agoMs = parseDurationMs(text);
  const timeMs = agoMs === undefined ? (RFC_3339.test(text) ? Date.parse(text) : Number.NaN) : nowMs - agoMs;
  if (Number.isFinite(timeMs)) {
    const seconds = Math.floor(timeMs / 1_000);
    return { seconds: BigInt(seconds), nanos: Math.floor(timeMs - seconds * 1_000) * 1_000_000 };
  }
  const allowed = 'a duration such as "10m", or a time such as "2026-01-31T08:00:00Z"';
  throw new CliError('CELL_E_USAGE', `Flag "--since" has the value "${text}". It must be ${allowed}`);
}
