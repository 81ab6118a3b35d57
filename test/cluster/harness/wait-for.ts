import { setTimeout } from 'node:timers/promises';

const POLL_MS = 20;
/** Enough for a machine that has other things to do: what takes long is a failure only if it never comes. */
const TIMEOUT_MS = 30_000;

export interface Waiting {
  /** What one waits for, as in "Waited 5000 ms for <what>". */
  readonly what: string;
  /** Default 30 s. */
  readonly timeoutMs?: number;
  /** Default 20 ms. */
  readonly pollMs?: number;
}

/**
 * Asks again and again until the answer is neither undefined nor false, and gives that. An attempt that rejects counts
 * as "not yet"; the last such error is the cause if time runs out.
 */
export async function waitFor<T>(ask: () => Promise<T> | T, waiting: Waiting): Promise<Exclude<T, undefined | false>> {
  const timeoutMs = waiting.timeoutMs ?? TIMEOUT_MS;
  const endMs = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= endMs) throw new Error(`Waited ${timeoutMs} ms for ${waiting.what}`, { cause });
    await setTimeout(waiting.pollMs ?? POLL_MS);
  }
}
