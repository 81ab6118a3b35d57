import type { NodeId } from '../core/index.ts';
import type { Deadlines } from './deadlines.ts';
import { RaftError } from './ports.ts';

interface Waiter {
  readonly to: NodeId;
  readonly settle: (error?: RaftError) => void;
}

/** Those who asked for leadership to go elsewhere, and wait for it to arrive there. */
export class LeadershipTransfers {
  readonly #deadlines: Deadlines;
  readonly #waiters = new Set<Waiter>();

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines;
  }

  get awaited(): boolean {
    return this.#waiters.size > 0;
  }

  wait(to: NodeId, timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        to,
        settle: (error) => {
          stop();
          this.#waiters.delete(waiter);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      const stop = this.#deadlines.after(timeoutMs, () => {
        waiter.settle(new RaftError('timeout', `Member ${to} did not become leader within ${timeoutMs} ms`));
      });
      this.#waiters.add(waiter);
    });
  }

  /** This member still leads, and is handing over to `transferee`, or to nobody: those who wait for others wait in vain. */
  leadingOn(transferee: NodeId): void {
    for (const { to, settle } of this.#waiters) {
      if (to !== transferee)
        settle(new RaftError('timeout', `Member ${to} did not take over within an election timeout`));
    }
  }

  leaderChanged(leader: NodeId): void {
    if (leader === 0) return;
    for (const waiter of this.#waiters) {
      if (waiter.to === leader) waiter.settle();
      else waiter.settle(new RaftError('not-leader', `Member ${leader} became leader instead of ${waiter.to}`, leader));
    }
  }

  rejectAll(error: RaftError): void {
    for (const waiter of this.#waiters) waiter.settle(error);
  }
}
