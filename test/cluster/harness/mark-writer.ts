import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { CellClient } from '@cell/sdk';

const PAUSE_AFTER_FAILURE_MS = 20;
const CALL_MS_MAX = 2000;

/** Writes marks without pause, each number once, and remembers which were acknowledged: the witness of an exercise. */
export class MarkWriter {
  readonly drillId = `test-${randomUUID().slice(0, 8)}`;
  readonly #acknowledged = new Set<number>();
  readonly #client: CellClient;
  readonly #work: Promise<void>[];
  #next = 0;
  #stopping = false;
  /** When the newest acknowledgement came, on the monotonic clock. */
  lastAcknowledgedMs = 0;
  /** Codes of what failed, counted. */
  readonly failures = new Map<string, number>();

  constructor(client: CellClient, inFlight = 4) {
    this.#client = client;
    this.#work = Array.from({ length: inFlight }, () => this.#write());
  }

  get acknowledged(): number {
    return this.#acknowledged.size;
  }

  /** Lets the calls under way end, and gives how many marks were acknowledged. */
  async stop(): Promise<number> {
    this.#stopping = true;
    await Promise.all(this.#work);
    return this.acknowledged;
  }

  /** Acknowledged marks that are not there: must be none, ever. */
  async lost(client: CellClient = this.#client): Promise<number[]> {
    // Those from before the read: while it goes on, more are acknowledged.
    const acknowledged = [...this.#acknowledged];
    const { ranges } = await client.drills.listMarks({ drillId: this.drillId });
    return acknowledged.filter(
      (mark) => !ranges.some((range) => Number(range.first) <= mark && mark <= Number(range.last)),
    );
  }

  async #write(): Promise<void> {
    while (!this.#stopping) {
      const sequence = this.#next;
      this.#next += 1;
      try {
        await this.#client.drills.writeMark(
          { drillId: this.drillId, sequence: BigInt(sequence) },
          { timeoutMs: CALL_MS_MAX },
        );
        this.#acknowledged.add(sequence);
        this.lastAcknowledgedMs = performance.now();
      } catch (error) {
        const code = String((error as { code?: unknown }).code);
        this.failures.set(code, (this.failures.get(code) ?? 0) + 1);
        await setTimeout(PAUSE_AFTER_FAILURE_MS);
      }
    }
  }
}
