import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

const FOLDERS = ['/var/log/journal', '/run/log/journal'];
/** "system@SEQNUM_ID-HEAD-TIME.journal", all in hexadecimal digits: a file that is not written any more. */
const ARCHIVED = /@([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{16}\.journal$/;
/** Of the header of a journal file (https://systemd.io/JOURNAL_FILE_FORMAT). */
const SEQNUM_ID = { offset: 72, bytes: 16 };
const HEAD_OFFSET = 168;
const HEADER_BYTES = HEAD_OFFSET + 8;

/** The first entries of all journal files of this machine, each as "SEQNUM_ID:NUMBER", in hexadecimal digits. */
export function readFileHeads(folders: readonly string[] = FOLDERS): ReadonlySet<string> {
  const heads = new Set<string>();
  for (const path of folders.flatMap(journalFiles)) {
    const [, seqnumId, head] = ARCHIVED.exec(path) ?? headerOf(path);
    if (seqnumId !== undefined && head !== undefined) heads.add(headKey(seqnumId, head));
  }
  return heads;
}

/** Numbers may have zeros in front. */
export function headKey(seqnumId: string, number: string): string {
  return `${seqnumId}:${number.replace(/^0+/, '')}`;
}

/** In a folder for each machine. */
function journalFiles(folder: string): string[] {
  return names(folder).flatMap((machine) =>
    names(join(folder, machine))
      .filter((name) => name.endsWith('.journal'))
      .map((name) => join(folder, machine, name)),
  );
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** As the expression above gives it; nothing if it can't be read. */
function headerOf(path: string): readonly (string | undefined)[] {
  const header = Buffer.alloc(HEADER_BYTES);
  try {
    const file = openSync(path, 'r');
    try {
      if (readSync(file, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return [];
    } finally {
      closeSync(file);
    }
  } catch {
    return [];
  }
  const { offset, bytes } = SEQNUM_ID;
  return [path, header.toString('hex', offset, offset + bytes), header.readBigUInt64LE(HEAD_OFFSET).toString(16)];
}
