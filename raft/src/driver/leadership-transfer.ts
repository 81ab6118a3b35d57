import type { BasicStatus, NodeId } from '../core/index.ts';
import type { Deadlines } from './deadlines.ts';
import { RaftError } from './ports.ts';

interface Waiter {
  readonly to: NodeId;
  readonly settle: (error?: RaftError) => void;
}

/** Those who asked for leadership to go elsewhere, and wait for it to arrive there. */
export class LeadershipTransfers {
  readonly #deadlines: Deadlines;
  readonly #status: () => Pick<BasicStatus, 'role' | 'transferee'>;
  readonly #waiters = new Set<Waiter>();

  /** `status`: of this member's core. */
  constructor(deadlines: Deadlines, status: () => Pick<BasicStatus, 'role' | 'transferee'>) {
    this.#deadlines = deadlines;
    this.#status = status;
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

  /** The core gives a transfer up after an election timeout, in silence: those who wait for it wait in vain. */
  tick(): void {
    if (this.#waiters.size === 0) return;
    const { role, transferee } = this.#status();
    if (role !== 'leader') return;
    for (const { to, settle } of this.#waiters) {
      if (to === transferee) continue;
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
