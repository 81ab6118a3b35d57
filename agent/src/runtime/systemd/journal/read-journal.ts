import { existsSync } from 'node:fs';
import { AgentError } from '../../../agent-error.ts';
import type { LogChunk, LogRequest } from '../../../ports.ts';
import { dropDoubled } from './drop-doubled.ts';
import type { JournalEntry } from './export-parser.ts';
import { readFileHeads } from './file-heads.ts';
import { joinEntries } from './join-entries.ts';
import { type JournalQuery, type JournalStart, journalctl } from './journalctl.ts';
import { synchronizeJournal } from './synchronize-journal.ts';

export interface JournalReading {
  /** Id of the allocation, for people. */
  readonly id: string;
  /** Its unit. Only what journald itself says came from it is read: other fields anybody can write. */
  readonly unit: string;
  readonly request: LogRequest;
  /** Whether nothing runs and nothing will: a follower ends then. */
  readonly isComplete: () => boolean;
  /** What tests put in the place of journald. */
  readonly journal?: JournalAccess;
}

export interface JournalAccess {
  read(query: JournalQuery, signal: AbortSignal): AsyncIterable<JournalEntry[]>;
  synchronize(signal: AbortSignal): Promise<boolean>;
  /** Whether entries outlive a start of the machine. */
  isPersistent(): boolean;
  /** See `readFileHeads`. */
  fileHeads(): ReadonlySet<string>;
}

const REAL_JOURNAL: JournalAccess = {
  read: journalctl,
  synchronize: synchronizeJournal,
  isPersistent: () => existsSync('/var/log/journal'),
  fileHeads: () => readFileHeads(),
};

/** How workloads' output comes to journald, and what they log by themselves; not what the kernel says of them. */
const TRANSPORTS = ['_TRANSPORT=stdout', '_TRANSPORT=syslog', '_TRANSPORT=journal'];
const COMPLETE_LOOK_PERIOD_MS = 250;
/** Each waits for two seconds at most; then a reader has to do with what is there, unless that grows. */
const SYNCHRONIZE_TRIES_MAX = 5;
/** As journalctl writes them, "s=…;i=…;b=…;m=…;t=…;x=…". */
const CURSOR = /^[a-z]=[0-9a-f]{1,32}(;[a-z]=[0-9a-f]{1,32}){0,9}$/;

/**
 * The output of an allocation from journald: all its runs in order, also ended ones and ones before the last start of the
 * machine. With a cursor each line comes once, however often reading is begun anew. `tailLines` counts lines of the
 * journal, in which very long ones are several. Rejects with `CELL_E_NOT_FOUND` if the journal has nothing of it, and
 * with `CELL_E_UNSUPPORTED` if only one of both streams is wanted or the journal can't be read.
 */
export async function* readJournal(reading: JournalReading, signal: AbortSignal): AsyncIterable<LogChunk> {
  const { request, isComplete, journal = REAL_JOURNAL } = reading;
  check(reading);
  // Asked before synchronizing: what has ended then has all its output in the journal.
  let ended = isComplete();
  const position = new Position(request, () => journal.fileHeads());
  yield* readWritten(reading, position, ended, signal);
  while (request.follow && !ended && !signal.aborted) {
    yield* position.advance(followUntilComplete(reading, position.start, signal));
    ended = isComplete();
    // What journald had not given to the follower when it was ended.
    yield* readWritten(reading, position, ended, signal);
  }
  if (position.cursor === undefined && !signal.aborted) await checkKept(reading, signal);
}

/** How far a reader is. */
class Position {
  cursor: string | undefined;
  readonly #request: LogRequest;
  readonly #fileHeads: () => ReadonlySet<string>;
  #begun = false;

  constructor(request: LogRequest, fileHeads: () => ReadonlySet<string>) {
    this.#request = request;
    this.#fileHeads = fileHeads;
    this.cursor = request.cursor;
  }

  get start(): JournalStart {
    const { tailLines, sinceMs } = this.#request;
    if (this.cursor !== undefined) return { at: 'cursor', cursor: this.cursor };
    // The end of what is there is a place, too, from which to go on. Where nothing was, all that comes is wanted.
    if (tailLines !== undefined && !this.#begun) return { at: 'tail', entries: Math.max(1, tailLines) };
    return sinceMs === undefined ? { at: 'oldest' } : { at: 'time', sinceMs };
  }

  async *advance(groups: AsyncIterable<JournalEntry[]>): AsyncIterable<LogChunk> {
    const before = this.cursor;
    const { tailLines, sinceMs } = this.#request;
    const wantedFromMs = tailLines === 0 && !this.#begun ? Number.POSITIVE_INFINITY : (sinceMs ?? 0);
    for await (const group of groups) {
      // Reading begins with the entry of the cursor, if it is still kept: so none is left out if it is not.
      const unread = group[0]!.cursor === before ? group.slice(1) : group;
      const entries = dropDoubled(unread, this.cursor, this.#fileHeads);
      const wanted = before === undefined ? entries.filter(({ atMs }) => atMs >= wantedFromMs) : entries;
      if (wanted.length > 0) yield joinEntries(wanted);
      this.cursor = group.at(-1)!.cursor;
    }
    this.#begun = true;
  }
}

/** All that was written before, if journald takes it in in time; of what has ended, for as long as more comes. */
async function* readWritten(
  reading: JournalReading,
  position: Position,
  ended: boolean,
  signal: AbortSignal,
): AsyncIterable<LogChunk> {
  const { request, journal = REAL_JOURNAL } = reading;
  const mayCome = ended && (request.follow || request.tailLines === undefined);
  for (let more = true; more; ) {
    const synchronized = await synchronize(journal, signal);
    const before = position.cursor;
    yield* position.advance(journal.read(queryOf(reading, position.start, false), signal));
    more = mayCome && !synchronized && position.cursor !== before && !signal.aborted;
  }
}

async function* followUntilComplete(
  reading: JournalReading,
  start: JournalStart,
  signal: AbortSignal,
): AsyncIterable<JournalEntry[]> {
  const { journal = REAL_JOURNAL } = reading;
  const ended = new AbortController();
  const look = setInterval(() => {
    if (reading.isComplete()) ended.abort();
  }, COMPLETE_LOOK_PERIOD_MS);
  try {
    yield* journal.read(queryOf(reading, start, true), AbortSignal.any([signal, ended.signal]));
  } finally {
    clearInterval(look);
  }
}

async function synchronize(journal: JournalAccess, signal: AbortSignal): Promise<boolean> {
  for (let tries = 0; tries < SYNCHRONIZE_TRIES_MAX && !signal.aborted; tries += 1) {
    if (await journal.synchronize(signal)) return true;
  }
  return false;
}

function queryOf({ unit }: JournalReading, start: JournalStart, follow: boolean): JournalQuery {
  return { matches: [`_SYSTEMD_UNIT=${unit}`, ...TRANSPORTS], start, follow };
}

function check({ id, request }: JournalReading): void {
  if (request.stream === 'stderr') {
    const why = 'journald keeps it together with standard output';
    throw new AgentError(
      'CELL_E_UNSUPPORTED',
      `Could not read standard error of allocation "${id}" alone: ${why}; ask for both`,
    );
  }
  if (request.cursor !== undefined && !CURSOR.test(request.cursor)) {
    const message = `Could not go on reading at "${request.cursor}": that is no cursor of this node's journal`;
    throw new AgentError('CELL_E_NOT_FOUND', message);
  }
}

/** What has written nothing was at least started, which systemd notes. */
async function checkKept(reading: JournalReading, signal: AbortSignal): Promise<void> {
  const { id, unit, journal = REAL_JOURNAL } = reading;
  const any: JournalQuery = { matches: [`_SYSTEMD_UNIT=${unit}`], start: { at: 'tail', entries: 1 }, follow: false };
  const started: JournalQuery = { ...any, matches: ['_PID=1', `UNIT=${unit}`] };
  for (const query of [started, any]) for await (const _entries of journal.read(query, signal)) return;
  if (signal.aborted || !reading.isComplete()) return;
  const why = journal.isPersistent()
    ? 'journald has dropped it to make room; raise SystemMaxUse= in journald.conf'
    : 'this node keeps its journal in memory only; make the folder "/var/log/journal"';
  throw new AgentError('CELL_E_NOT_FOUND', `Could not read the output of allocation "${id}": nothing is left, ${why}`);
}
