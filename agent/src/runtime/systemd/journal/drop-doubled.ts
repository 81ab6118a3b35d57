import type { JournalEntry } from './export-parser.ts';
import { headKey } from './file-heads.ts';

/**
 * When a journal file is full, journald may find out only after it has put an entry into it, and puts it into the next file
 * once more (seen with version 252): with the next number, and all else the same. Two lines that are the same, written in
 * the same microsecond, look like that, too: so only the first entry of a file can be such a double.
 *
 * `before`: cursor of the entry in front of the first one. `heads` are asked for only if something looks like a double.
 */
export function dropDoubled(
  entries: readonly JournalEntry[],
  before: string | undefined,
  heads: () => ReadonlySet<string>,
): readonly JournalEntry[] {
  let known: ReadonlySet<string> | undefined;
  let last = before;
  return entries.filter(({ cursor }) => {
    const [earlier, later] = [last === undefined ? undefined : parseCursor(last), parseCursor(cursor)];
    last = cursor;
    if (earlier === undefined || later === undefined) return true;
    if (later.rest !== earlier.rest || later.number !== earlier.number + 1n) return true;
    known ??= heads();
    return !known.has(headKey(later.seqnumId, later.number.toString(16)));
  });
}

/** "s=SEQNUM_ID;i=NUMBER;b=…;m=…;t=…;x=…": start of the machine, both times, and what all fields come to. */
function parseCursor(cursor: string): { seqnumId: string; number: bigint; rest: string } | undefined {
  const [, seqnumId, number, rest] = /^s=([0-9a-f]+);i=([0-9a-f]+);(.*)$/.exec(cursor) ?? [];
  if (seqnumId === undefined || number === undefined || rest === undefined) return undefined;
  return { seqnumId, number: BigInt(`0x${number}`), rest };
}
