import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogStreamName } from '../../ports.ts';

/** One file of output; names sort in the order in which the output was written. */
export interface LogSegment {
  readonly name: string;
  readonly stream: LogStreamName;
}

/** Many short runs leave many small files; beyond this, the oldest go. */
const SEGMENTS_MAX = 256;
const NAME = /^(stdout|stderr)\.\d{6}\.\d{6}\.\d{9}$/;

/** In the order in which they were written; empty if there is no such folder any more. */
export async function listSegments(logs: string, stream: LogStreamName): Promise<LogSegment[]> {
  const names = await readdir(logs).catch(() => []);
  const own = names.filter((name) => NAME.exec(name)?.[1] === stream);
  return own.sort().map((name) => ({ name, stream }));
}

/** Deletes the oldest files of each stream beyond the limit; the one that is written to always stays. */
export async function pruneSegments(logs: string, bytesMax: number): Promise<void> {
  for (const stream of ['stdout', 'stderr'] as const) {
    const newestFirst = (await listSegments(logs, stream)).reverse();
    let bytes = 0;
    for (const [index, segment] of newestFirst.entries()) {
      const path = join(logs, segment.name);
      bytes += (await stat(path).catch(() => undefined))?.size ?? 0;
      if (index > 0 && (bytes > bytesMax || index >= SEGMENTS_MAX)) await rm(path, { force: true });
    }
  }
}
