import { watch } from 'node:fs';
import type { LogChunk, LogRequest } from '../../ports.ts';
import { StreamReader } from './stream-reader.ts';

/** Notices of written files come at once; this is the net below. */
const LOOK_PERIOD_MS = 500;

/**
 * The output of an allocation: what is kept, and if wanted what follows, until `isComplete`. Two streams are merged
 * file by file in the order in which these were written last; within each stream no byte is lost or moved.
 */
export async function* readSegments(
  logs: string,
  request: LogRequest,
  isComplete: () => boolean,
  signal: AbortSignal,
): AsyncIterable<LogChunk> {
  const streams = request.stream === 'both' ? (['stdout', 'stderr'] as const) : [request.stream];
  const readers = streams.map((stream) => new StreamReader(logs, stream));
  const notice = request.follow ? new Notice(logs) : undefined;
  try {
    if (request.tailLines !== undefined) {
      for (const reader of readers) await reader.seekTail(request.tailLines);
    }
    while (!signal.aborted) {
      // Asked before reading: what was complete then is read whole.
      const last = !request.follow || isComplete();
      const reader = await nextOf(readers);
      if (reader !== undefined) yield { stream: reader.stream, data: reader.take() };
      else if (last) return;
      else await notice?.wait(signal);
    }
  } finally {
    notice?.close();
    for (const reader of readers) await reader.close();
  }
}

async function nextOf(readers: readonly StreamReader[]): Promise<StreamReader | undefined> {
  let first: StreamReader | undefined;
  for (const reader of readers) {
    if ((await reader.peek()) === undefined) continue;
    if (first === undefined || !first.isBefore(reader)) first = reader;
  }
  return first;
}

/** Wakes when something in a folder was written. */
class Notice {
  #wake: () => void = () => undefined;
  #written = false;
  readonly #close: () => void;

  constructor(folder: string) {
    const changed = (): void => {
      this.#written = true;
      this.#wake();
    };
    try {
      const watcher = watch(folder, { persistent: false }, changed);
      watcher.on('error', () => watcher.close());
      this.#close = () => watcher.close();
    } catch {
      // Out of watches: the slow look goes on.
      this.#close = () => undefined;
    }
  }

  /** Returns at once if something was written since the last call. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#written) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, LOOK_PERIOD_MS);
        function done(): void {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          resolve();
        }
        this.#wake = done;
        signal.addEventListener('abort', done, { once: true });
      });
    }
    this.#written = false;
  }

  close(): void {
    this.#close();
  }
}
