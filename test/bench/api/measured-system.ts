import type { LoadResult } from '../raft/load.ts';

/** What is done to a system: by unary calls, or by the system's own stream. */
export type Operation = 'writes' | 'reads' | 'stream_writes';

/** Three members on loopback whose leader is put under load. */
export interface MeasuredSystem {
  /** "cell" or "etcd". */
  readonly name: string;
  readonly operations: readonly Operation[];
  /** Rejects if calls fail, or if fewer writes were carried out than were answered. */
  load(operation: Operation, inFlight: number, seconds: number): Promise<LoadResult>;
  stop(): Promise<void>;
}

/** Answers that h2load counts although their load was over when they came. */
const COUNTED_SHARE_MIN = 0.97;

/** gRPC's errors hide behind HTTP status 200, so what was written is counted where it is kept. */
export async function loadCounted(
  written: () => Promise<number>,
  load: () => Promise<LoadResult>,
): Promise<LoadResult> {
  const before = await written();
  const result = await load();
  const count = (await written()) - before;
  if (count >= result.completed * COUNTED_SHARE_MIN) return result;
  throw new Error(`${result.completed} writes were answered, but only ${count} carried out`);
}
