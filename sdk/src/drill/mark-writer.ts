/**
 * Writes marks at a steady pace while the fault happens. Each mark is one sequence number, written until it is
 * acknowledged: after an unknown outcome the same number is written again, which changes nothing if it was there.
 */
import { CellApiError } from '../client/cell-api-error.ts';
import type { CellClient } from '../client/connect.ts';
import type { DrillClock } from './drill-clock.ts';
import type { MarkLedger } from './mark-ledger.ts';

export interface MarkWriterOptions {
  readonly drillId: string;
  /** One client per member: writes go to all in turn, not only to the leader. */
  readonly members: readonly CellClient[];
  readonly writesPerSecond: number;
  readonly ledger: MarkLedger;
  readonly clock: DrillClock;
}

export interface MarkWriter {
  /** Rejects if the control plane refuses marks for a reason that no failover explains; never resolves before `stop`. */
  readonly done: Promise<void>;
  /** Begins no more marks; resolves when none is on its way any more. */
  stop(): Promise<void>;
}

/** Marks on their way at once. */
const IN_FLIGHT_MAX = 8;
/** A member that does not answer within this time is left for the next one. */
const ATTEMPT_MS_MAX = 1_000;
const RETRY_PAUSE_MS = 20;
/** Refusals that a failover, or a busy moment, explains. */
const TRANSIENT: ReadonlySet<string> = new Set([
  'CELL_E_UNREACHABLE',
  'CELL_E_CONNECTION_LOST',
  'CELL_E_TIMEOUT',
  'CELL_E_NO_LEADER',
  'CELL_E_NOT_LEADER',
  'CELL_E_PEER_UNREACHABLE',
  'CELL_E_OUTCOME_UNKNOWN',
  'CELL_E_OVERLOADED',
]);

export function startMarkWriter(options: MarkWriterOptions): MarkWriter {
  const stopping = new AbortController();
  const done = keepWriting(options, stopping);
  // Whoever awaits `done` or `stop()` gets the error; until then it is nobody's.
  done.catch(() => {});
  return {
    done,
    stop() {
      stopping.abort();
      return done;
    },
  };
}

async function keepWriting(options: MarkWriterOptions, stopping: AbortController): Promise<void> {
  const { clock, writesPerSecond } = options;
  const inFlight = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const intervalMs = 1000 / writesPerSecond;
  let dueMs = clock.monotonicMs();
  for (let sequence = 0; !stopping.signal.aborted; sequence += 1) {
    const mark = writeMark(options, sequence, stopping.signal)
      .catch((error: unknown) => {
        failures.push(error);
        stopping.abort();
      })
      .finally(() => inFlight.delete(mark));
    inFlight.add(mark);
    if (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight);
    // A pace, not a rate to catch up with: after a pause there is no burst.
    dueMs = Math.max(clock.monotonicMs(), dueMs + intervalMs);
    await clock.sleep(Math.max(0, dueMs - clock.monotonicMs()), stopping.signal).catch(() => {});
  }
  await Promise.all(inFlight);
  if (failures.length > 0) throw failures[0];
}

/** Resolves once the mark is acknowledged, or was not when the writer was told to stop. */
async function writeMark(options: MarkWriterOptions, sequence: number, stopping: AbortSignal): Promise<void> {
  const { drillId, members, ledger, clock } = options;
  for (let attempt = 0; attempt === 0 || !stopping.aborted; attempt += 1) {
    const member = members[(sequence + attempt) % members.length] as CellClient;
    try {
      const request = { drillId, sequence: BigInt(sequence) };
      await member.drills.writeMark(request, { attemptsMax: 1, timeoutMs: ATTEMPT_MS_MAX });
      ledger.acknowledge(sequence, clock.monotonicMs());
      return;
    } catch (error) {
      if (!(error instanceof CellApiError) || !TRANSIENT.has(error.code)) throw error;
    }
    await clock.sleep(RETRY_PAUSE_MS, stopping).catch(() => {});
  }
}
