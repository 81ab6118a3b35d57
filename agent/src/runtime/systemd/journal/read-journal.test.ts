import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { LogRequest } from '../../../ports.ts';
import { until } from '../../../testing/until.ts';
import type { JournalEntry } from './export-parser.ts';
import type { JournalQuery } from './journalctl.ts';
import { type JournalAccess, type JournalReading, readJournal } from './read-journal.ts';

const UNIT = 'cell-web-a.service';

/** A journal in memory. Entries are readable once they are taken in; synchronizing takes in all. */
class PretendedJournal implements JournalAccess {
  readonly #entries: JournalEntry[] = [];
  readonly queries: JournalQuery[] = [];
  readonly notes = new Set([`UNIT=${UNIT}`]);
  persistent = true;
  /** Entries that a reader sees without synchronizing. */
  takenIn = 0;
  /** Vacuumed. */
  dropped = 0;

  write(...lines: string[]): void {
    for (const line of lines) {
      const number = this.#entries.length + 1;
      const message = Buffer.from(line);
      this.#entries.push({ cursor: `s=0;i=${number.toString(16)}`, atMs: number * 1_000, message, lineBreak: '' });
    }
  }

  fileHeads(): ReadonlySet<string> {
    return new Set();
  }

  isPersistent(): boolean {
    return this.persistent;
  }

  synchronize(): Promise<boolean> {
    this.takenIn = this.#entries.length;
    return Promise.resolve(true);
  }

  async *read(query: JournalQuery, signal: AbortSignal): AsyncIterable<JournalEntry[]> {
    this.queries.push(query);
    if (query.matches.includes('_PID=1')) {
      if (query.matches.some((match) => this.notes.has(match)))
        yield [{ cursor: 'n', atMs: 0, message: Buffer.alloc(0), lineBreak: '' }];
      return;
    }
    let next = Math.max(this.#first(query), this.dropped);
    while (!signal.aborted) {
      // A group at a time, so that what was read and what not can differ.
      const group = this.#entries.slice(next, Math.min(next + 2, this.takenIn));
      next += group.length;
      if (group.length > 0) yield group;
      else if (query.follow) await sleep(1);
      else return;
    }
  }

  #first({ start }: JournalQuery): number {
    if (start.at === 'cursor') return Number.parseInt(start.cursor.split('=').at(-1)!, 16) - 1;
    if (start.at === 'tail') return Math.max(0, this.takenIn - start.entries);
    return start.at === 'time' ? this.#entries.findIndex(({ atMs }) => atMs >= start.sinceMs) : 0;
  }
}

const WHOLE: LogRequest = { follow: false, tailLines: undefined, stream: 'both', mayGoOn: () => false };

interface Reader {
  text: string;
  cursor: string | undefined;
}

interface Circumstances {
  readonly isComplete?: () => boolean;
  readonly into?: Reader;
}

async function read(
  journal: PretendedJournal,
  request: Partial<LogRequest> = {},
  { isComplete = () => true, into = { text: '', cursor: undefined } }: Circumstances = {},
): Promise<string> {
  const reading: JournalReading = { id: 'a', unit: UNIT, request: { ...WHOLE, ...request }, isComplete, journal };
  for await (const chunk of readJournal(reading, new AbortController().signal)) {
    into.text += Buffer.from(chunk.data).toString();
    into.cursor = chunk.cursor;
  }
  return into.text;
}

function journalOf(...lines: string[]): PretendedJournal {
  const journal = new PretendedJournal();
  journal.write(...lines);
  return journal;
}

test('only what journald itself says came from the unit is asked for', async () => {
  const journal = journalOf('1');
  await read(journal);
  for (const { matches } of journal.queries) expect(matches).toContain(`_SYSTEMD_UNIT=${UNIT}`);
});

test.each<[string, Partial<LogRequest>, string]>([
  ['all', {}, '1\n2\n3\n4\n'],
  ['the last lines', { tailLines: 2 }, '3\n4\n'],
  ['more last lines than there are', { tailLines: 9 }, '1\n2\n3\n4\n'],
  ['no last lines', { tailLines: 0 }, ''],
  ['since', { sinceMs: 3_000 }, '3\n4\n'],
  ['the last lines since', { tailLines: 3, sinceMs: 3_000 }, '3\n4\n'],
  ['the last of the lines since', { tailLines: 1, sinceMs: 3_000 }, '4\n'],
  ['what follows a cursor', { cursor: 's=0;i=2' }, '3\n4\n'],
  ['what follows a cursor, whatever else is asked for', { cursor: 's=0;i=2', tailLines: 1, sinceMs: 4_000 }, '3\n4\n'],
  ['what follows the last cursor', { cursor: 's=0;i=4' }, ''],
  ['standard output', { stream: 'stdout' }, '1\n2\n3\n4\n'],
])('%s can be read, and followed on', async (_what, request, expected) => {
  const journal = journalOf('1', '2', '3', '4');
  expect(await read(journal, request)).toBe(expected);
  let complete = false;
  const into: Reader = { text: '', cursor: undefined };
  const followed = read(journal, { ...request, follow: true }, { isComplete: () => complete, into });
  await until(() => journal.queries.some(({ follow }) => follow) || undefined);
  journal.write('5');
  // Taken in only by synchronizing: a follower that has ended must have done that.
  complete = true;
  expect(await followed).toBe(`${expected}5\n`);
});

test('a reader whose cursor is not kept any more gets all that is', async () => {
  const journal = journalOf('1', '2', '3', '4');
  journal.dropped = 2;
  expect(await read(journal, { cursor: 's=0;i=1' })).toBe('3\n4\n');
});

test('a follower of what has written nothing yet gets its first line', async () => {
  for (const request of [{}, { tailLines: 0 }, { tailLines: 5 }, { sinceMs: 0 }]) {
    const journal = new PretendedJournal();
    let complete = false;
    const followed = read(journal, { ...request, follow: true }, { isComplete: () => complete });
    await until(() => journal.queries.some(({ follow }) => follow) || undefined);
    journal.write('1');
    complete = true;
    expect(await followed).toBe('1\n');
  }
});

test('a follower goes on with the next run', async () => {
  const journal = journalOf('1');
  const answers = [false, true, false, false, true];
  const isComplete = (): boolean => {
    journal.write(`${answers.length}`);
    return answers.shift() ?? true;
  };
  const text = await read(journal, { follow: true }, { isComplete });
  expect(text.split('\n').slice(0, 6)).toEqual(['1', '5', '4', '3', '2', '1']);
});

test('readers that are sent away and go on get each line once', async () => {
  const journal = new PretendedJournal();
  const into: Reader = { text: '', cursor: undefined };
  for (let round = 0; round < 20; round += 1) {
    journal.write(...Array.from({ length: 7 }, (_, index) => `${round * 7 + index}`));
    const gone = new AbortController();
    const reading: JournalReading = {
      id: 'a',
      unit: UNIT,
      request: { ...WHOLE, follow: true, ...(into.cursor === undefined ? {} : { cursor: into.cursor }) },
      isComplete: () => false,
      journal,
    };
    let chunks = 0;
    for await (const chunk of readJournal(reading, gone.signal)) {
      into.text += Buffer.from(chunk.data).toString();
      into.cursor = chunk.cursor;
      chunks += 1;
      if (chunks === 1 + (round % 3)) break;
    }
  }
  await read(journal, { cursor: into.cursor! }, { into });
  expect(into.text).toBe(Array.from({ length: 140 }, (_, index) => `${index}\n`).join(''));
});

test('nothing is said to be left of what journald has dropped, or kept in memory before the machine was started', async () => {
  const journal = new PretendedJournal();
  expect(await read(journal)).toBe('');
  journal.notes.clear();
  const refusal = { code: 'CELL_E_NOT_FOUND', message: expect.stringContaining('SystemMaxUse=') };
  await expect(read(journal)).rejects.toMatchObject(refusal);
  journal.persistent = false;
  await expect(read(journal)).rejects.toMatchObject({ message: expect.stringContaining('"/var/log/journal"') });
  expect(await read(journal, {}, { isComplete: () => false })).toBe('');
});

test('standard error alone, and cursors that are none, are refused', async () => {
  const journal = journalOf('1');
  await expect(read(journal, { stream: 'stderr' })).rejects.toMatchObject({ code: 'CELL_E_UNSUPPORTED' });
  for (const cursor of ['', '--merge', 's=0;i=1 --file=/x']) {
    await expect(read(journal, { cursor })).rejects.toMatchObject({ code: 'CELL_E_NOT_FOUND' });
  }
});

/** Never done when it is asked, but on its way: takes in one more line each time. */
class BusyJournal extends PretendedJournal {
  override synchronize(): Promise<boolean> {
    this.takenIn += 1;
    return Promise.resolve(false);
  }
}

test.each([false, true])(
  'what has ended is read whole, however far behind journald is, following: %s',
  async (follow) => {
    const lines = Array.from({ length: 40 }, (_, index) => `${index}`);
    const journal = new BusyJournal();
    journal.write(...lines);
    expect(await read(journal, { follow })).toBe(lines.map((line) => `${line}\n`).join(''));
  },
);

test('what runs on is read as far as it is there, if journald does not come to its end', async () => {
  const journal = new BusyJournal();
  journal.write(...Array.from({ length: 40 }, (_, index) => `${index}`));
  expect(await read(journal, {}, { isComplete: () => false })).toBe('0\n1\n2\n3\n4\n');
});
