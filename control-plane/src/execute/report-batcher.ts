/**
 * Runs on every member: merges what all agents connected here report into few commands, one in flight at a time.
 * What is known of an allocation is kept newest only, so the queue is bounded by the allocations themselves.
 *
 * Reports say what is, not what changed; so proposing one twice is harmless. They are tried again also when it is not
 * known whether they were written: newer reports of the same allocation wait here meanwhile, so none is overtaken.
 */
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import { isFinal } from '../model/entities.ts';
import type { Clock, Consensus } from '../ports.ts';
import type { AllocationReport } from '../state/commands.ts';
import type { FleetState } from '../state/fleet-state.ts';
import type { HeardSessions } from './heard-sessions.ts';

export interface ReportBatcherParts {
  readonly consensus: Consensus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sessions: Pick<HeardSessions, 'closeSession'>;
}

/** Where sessions hand in what their agents report. */
export interface ReportSink {
  /**
   * `afterHello`: all that a new session's agent knows. Reports of an older session, at another member, may still be
   * on their way into the state, so these are compared with a state that has them.
   */
  add(reports: readonly AllocationReport[], afterHello: boolean): void;
}

const gatherMs = 10;
const reportsPerCommandMax = 2_000;
const commandBytesMax = 512 * 1024;
const queuedMax = 50_000;
const submitTimeoutMs = 5_000;
const retryFirstMs = 100;
const retryMaxMs = 2_000;
/** Failures in a row, other than "there is no leader", until the sessions concerned are closed. */
const attemptsMax = 5;

export class ReportBatcher implements ReportSink {
  readonly #parts: ReportBatcherParts;
  /** By who said it and of what: what another node says of an allocation takes nothing's place. */
  readonly #queue = new Map<string, AllocationReport>();
  #compareAfterBarrier = false;
  #flushing = false;
  #scheduled = false;
  #failures = 0;
  #stopped = false;

  constructor(parts: ReportBatcherParts) {
    this.#parts = parts;
  }

  /** Reports that wait to be written. */
  get size(): number {
    return this.#queue.size;
  }

  add(reports: readonly AllocationReport[], afterHello: boolean): void {
    if (reports.length === 0) return;
    this.#compareAfterBarrier ||= afterHello;
    for (const report of reports) {
      if (this.#queue.size >= queuedMax && !this.#queue.has(keyOf(report))) {
        this.#refuse(report.nodeId);
        continue;
      }
      this.#queue.set(keyOf(report), report);
    }
    this.#schedule(gatherMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#queue.clear();
  }

  #refuse(nodeId: string): void {
    const message = `${queuedMax} reports wait to be written at this member already; say Hello again later`;
    this.#parts.sessions.closeSession(nodeId, new CellError('CELL_E_OVERLOADED', message));
  }

  #schedule(delayMs: number): void {
    if (this.#scheduled || this.#flushing || this.#stopped || this.#queue.size === 0) return;
    this.#scheduled = true;
    this.#parts.clock.after(delayMs, () => {
      this.#scheduled = false;
      this.#flushing = true;
      void this.#flush().then((nextMs) => {
        this.#flushing = false;
        this.#schedule(nextMs);
      });
    });
  }

  /** Writes one batch; gives the wait until the next. Never rejects. */
  async #flush(): Promise<number> {
    let batch: AllocationReport[] = [];
    try {
      if (this.#compareAfterBarrier) await this.#parts.consensus.readBarrier(submitTimeoutMs);
      this.#compareAfterBarrier = false;
      batch = this.#take();
      if (batch.length > 0) await this.#submit(batch);
      this.#failures = 0;
      return gatherMs;
    } catch (error) {
      return this.#failed(batch, error);
    }
  }

  async #submit(reports: readonly AllocationReport[]): Promise<void> {
    const { consensus, clock, log } = this.#parts;
    const command = { kind: 'report-allocations', timeMs: clock.wallMs(), reports } as const;
    const result = await consensus.submit(command, submitTimeoutMs);
    // A refusal is a decision of the state machine: asking again would not change it.
    if (!result.ok)
      log.error({ code: result.code, reports: reports.length }, `Reports were refused: ${result.message}`);
  }

  /** Up to one command's worth of the queue; what changes nothing is dropped. */
  #take(): AllocationReport[] {
    const batch: AllocationReport[] = [];
    let bytes = 0;
    for (const [key, report] of this.#queue) {
      if (batch.length >= reportsPerCommandMax || bytes >= commandBytesMax) break;
      this.#queue.delete(key);
      if (!changes(this.#parts.consensus.state, report)) continue;
      batch.push(report);
      // Characters of the message may take up to 6 bytes in JSON; the rest of a report is small.
      bytes += 200 + report.message.length * 6;
    }
    return batch;
  }

  #failed(batch: readonly AllocationReport[], error: unknown): number {
    const noLeader = error instanceof CellError && error.code === 'CELL_E_NO_LEADER';
    if (!noLeader) this.#failures += 1;
    if (this.#failures >= attemptsMax) {
      this.#giveUp(batch, error);
      return retryMaxMs;
    }
    for (const report of batch) {
      const key = keyOf(report);
      if (!this.#queue.has(key)) this.#queue.set(key, report);
    }
    this.#parts.log.info({ err: error, reports: this.#queue.size }, 'Reports could not be written; trying again');
    return noLeader ? retryFirstMs * 5 : Math.min(retryMaxMs, retryFirstMs * 2 ** this.#failures);
  }

  /** These agents say Hello again, with everything, here or at another member. */
  #giveUp(batch: readonly AllocationReport[], error: unknown): void {
    this.#failures = 0;
    const concerned = batch.length > 0 ? batch : [...this.#queue.values()];
    const nodeIds = new Set(concerned.map((report) => report.nodeId));
    for (const [key, report] of this.#queue) if (nodeIds.has(report.nodeId)) this.#queue.delete(key);
    this.#parts.log.warn({ err: error, sessions: nodeIds.size }, 'Reports could not be written; closing the sessions');
    const reason = new CellError('CELL_E_NO_LEADER', 'Reports could not be written; try another member');
    for (const nodeId of nodeIds) this.#parts.sessions.closeSession(nodeId, reason);
  }
}

function keyOf({ nodeId, id }: AllocationReport): string {
  return `${nodeId} ${id}`;
}

/** Whether applying the report would change the state. */
function changes(state: FleetState, report: AllocationReport): boolean {
  const row = state.allocations.get(report.id);
  if (row === undefined || row.nodeId !== report.nodeId || isFinal(row)) return false;
  return (
    row.state !== report.state ||
    row.restarts !== report.restarts ||
    row.exitCode !== report.exitCode ||
    row.message !== report.message
  );
}
