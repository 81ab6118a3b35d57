import type { Random } from '../ports.ts';
import type { SessionEnd } from './session.ts';

const FIRST_MS = 100;
const LONGEST_MS = 5_000;
/** Nothing but a person ends these. */
const LASTING_MS = 15_000;
const LASTING_CODES: ReadonlySet<string> = new Set(['CELL_E_FOREIGN_CLUSTER', 'CELL_E_GENERATION_LOST']);
/** Spreads the agents of a lost member over a moment. */
const MOMENT_MS = 100;

/** How long to wait before the next session, given how the last one ended and how many before it had failed in a row. */
export function retryDelayMs(end: SessionEnd, failuresInRow: number, random: Random): number {
  return Math.max((end.retryAfterMs ?? 0) * (1 + random() / 2), ownDelayMs(end, failuresInRow, random));
}

function ownDelayMs(end: SessionEnd, failuresInRow: number, random: Random): number {
  if (isLasting(end)) return LASTING_MS * (1 + random() / 2);
  if (failuresInRow === 0) return MOMENT_MS * random();
  const delayMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failuresInRow - 1));
  return delayMs * (0.5 + random() / 2);
}

/** Whether a person has to do something before a session can work. */
export function isLasting({ code }: SessionEnd): boolean {
  return LASTING_CODES.has(code);
}
