import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { AgentError } from '../../../agent-error.ts';
import { ExportParser, type JournalEntry } from './export-parser.ts';

/** Where reading begins. */
export type JournalStart =
  | { readonly at: 'oldest' }
  /** With the entry that it names, or with what follows if that is not kept any more. */
  | { readonly at: 'cursor'; readonly cursor: string }
  | { readonly at: 'time'; readonly sinceMs: number }
  | { readonly at: 'tail'; readonly entries: number };

export interface JournalQuery {
  /** "FIELD=value"; different fields must all match, of the same field one. */
  readonly matches: readonly string[];
  readonly start: JournalStart;
  readonly follow: boolean;
}

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
const ARGUMENTS = ['--quiet', '--no-pager', '--output=export', '--output-fields=MESSAGE,_LINE_BREAK', '--all'];
/** Of what it complains about, this much is passed on. */
const COMPLAINT_BYTES_MAX = 512;

/**
 * Runs one journalctl for one reader, at the reader's pace: what the reader has not taken waits in the journal. Entries
 * come in the order of the journal, in groups as they were read. Ends early, without an error, when the signal aborts;
 * the process is gone when this has ended.
 */
export async function* journalctl(query: JournalQuery, signal: AbortSignal): AsyncIterable<JournalEntry[]> {
  if (signal.aborted) return;
  const child = spawn('journalctl', [...ARGUMENTS, ...argumentsOf(query)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: ENVIRONMENT,
  });
  const complaint = complaintOf(child);
  const failure = failureOf(child, signal);
  const stop = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', stop, { once: true });
  const parser = new ExportParser();
  try {
    for await (const data of child.stdout) {
      const entries = parser.push(data as Uint8Array);
      if (entries.length > 0) yield entries;
    }
    const why = await failure;
    if (why !== '') throw unreadable(`${why}${complaint()}`);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
    await failure;
  }
}

function argumentsOf({ matches, start, follow }: JournalQuery): string[] {
  return [...startOf(start), ...(follow ? ['--follow', '--no-tail'] : []), ...matches];
}

function startOf(start: JournalStart): string[] {
  switch (start.at) {
    case 'oldest':
      return [];
    case 'cursor':
      return [`--cursor=${start.cursor}`];
    case 'time':
      return [`--since=@${(start.sinceMs / 1_000).toFixed(3)}`];
    case 'tail':
      return [`--lines=${start.entries}`];
  }
}

function complaintOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr!.setEncoding('utf8').on('data', (data: string) => {
    text = (text + data).slice(0, COMPLAINT_BYTES_MAX);
  });
  return () => (text.trim() === '' ? '' : `: ${text.trim()}`);
}

/** Resolves once it has ended: with nothing if it did what it should or was told to end, else with what went wrong. */
async function failureOf(child: ChildProcess, signal: AbortSignal): Promise<string> {
  try {
    const [code, killedBy] = (await once(child, 'close')) as [number | null, string | null];
    if (code === 0 || signal.aborted) return '';
    return code === null ? `"journalctl" was ended by ${killedBy}` : `"journalctl" ended with ${code}`;
  } catch (error) {
    return `"journalctl" could not be run: ${(error as Error).message}`;
  }
}

function unreadable(why: string): AgentError {
  return new AgentError('CELL_E_UNSUPPORTED', `Could not read the journal: ${why}`);
}
