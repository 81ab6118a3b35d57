import { CellApiError } from '@cell/sdk';
import { CliError } from './cli-error.ts';
import { Progress } from './output/progress.ts';
import type { World } from './world.ts';

export interface Waiting<T> {
  readonly pollMs: number;
  readonly timeoutMs: number;
  /** What was waited for, or what it is like meanwhile. */
  readonly look: () => Promise<{ readonly done: T } | { readonly text: string }>;
  /** Whether an error of the control plane is worth waiting out. */
  readonly passes: (error: CellApiError) => boolean;
  /** One line for people. */
  readonly line: (text: string, passedMs: number) => string;
  /** What to say when the time is over. */
  readonly overdue: (text: string) => string;
}

/** Looks again and again until it is done; rejects with `CliError` `CELL_E_TIMEOUT` once the time is over. */
export async function waitUntilDone<T>(world: World, waiting: Waiting<T>): Promise<T> {
  const { clock, signal } = world;
  const progress = new Progress(world);
  const startMs = clock.monotonicMs();
  try {
    for (;;) {
      const seen = await look(world, waiting);
      if ('done' in seen) return seen.done;
      const passedMs = clock.monotonicMs() - startMs;
      if (passedMs > waiting.timeoutMs) throw new CliError('CELL_E_TIMEOUT', waiting.overdue(seen.text));
      await progress.show(waiting.line(seen.text, passedMs));
      await clock.sleep(waiting.pollMs, signal);
    }
  } finally {
    await progress.end();
  }
}

async function look<T>({ signal }: World, waiting: Waiting<T>): ReturnType<Waiting<T>['look']> {
  try {
    return await waiting.look();
  } catch (error) {
    if (signal.aborted || !(error instanceof CellApiError) || !waiting.passes(error)) throw error;
    return { text: error.message };
  }
}
