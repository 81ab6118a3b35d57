import type { LogChunk } from '../../../ports.ts';
import type { JournalEntry } from './export-parser.ts';

const NEWLINE = Buffer.from('\n');
const NUL = Buffer.from([0]);
const NOTHING = Buffer.alloc(0);

/**
 * Output as it was written, as far as journald keeps it: it has lines, and drops empty ones. Standard output and standard
 * error come to journald over one connection, so that it can't tell one from the other, and neither can we.
 */
export function joinEntries(entries: readonly JournalEntry[]): LogChunk {
  const data = Buffer.concat(entries.flatMap((entry) => [entry.message, endOf(entry)]));
  return { stream: 'stdout', data, cursor: entries.at(-1)!.cursor };
}

/**
 * What was cut where nothing was written gets its newline, so that no two lines become one, but for a line that only was
 * too long (`LineMax=` in journald.conf(5)): that one goes on.
 */
function endOf({ lineBreak }: JournalEntry): Uint8Array {
  if (lineBreak === 'line-max') return NOTHING;
  return lineBreak === 'nul' ? NUL : NEWLINE;
}
