import type { Random } from '../ports.ts';
import type { SessionEnd } from './session.ts';

const FIRST_MS = 100;
const LONGEST_MS = 5_000;
/** Nothing but a person changes to which cluster a member belongs. */
const FOREIGN_MS = 15_000;
/** Spreads the agents of a lost member over a moment. */
const MOMENT_MS = 100;

/** How long to wait before the next session, given how the last one ended and how many before it had failed in a row. */
export function retryDelayMs(end: SessionEnd, failuresInRow: number, random: Random): number {
  if (end.code === 'CELL_E_FOREIGN_CLUSTER') return FOREIGN_MS * (1 + random() / 2);
  if (failuresInRow === 0) return MOMENT_MS * random();
  const delayMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failuresInRow - 1));
  return delayMs * (0.5 + random() / 2);
}
