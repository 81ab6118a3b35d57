import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadRequest, LoadResult } from './load.ts';
import { memberFlags } from './member-flags.ts';
import type { MemberReport, SnapshotNews, SnapshotOrders } from './snapshot-member-main.ts';

/** A member with a large state, as its parent sees it. */
export class SnapshotMember {
  readonly #child: ChildProcess;
  readonly #bornMs = performance.now();
  /** From the start of the process until it takes part, its state restored; in milliseconds. */
  readonly upMs: Promise<number>;

  constructor(id: number, folder: string, security: string, addresses: readonly string[], founders: number) {
    const words = [String(id), folder, security, String(founders), ...addresses];
    this.#child = fork(join(import.meta.dirname, 'snapshot-member-main.ts'), words, { execArgv: [...memberFlags()] });
    this.upMs = this.#heard('up').then(() => performance.now() - this.#bornMs);
  }

  /** The leader makes another a learner. */
  add(id: number): void {
    this.#order({ kind: 'add', id });
  }

  /** Begins to note pauses. */
  watch(): void {
    this.#order({ kind: 'watch' });
  }

  async report(): Promise<MemberReport> {
    const heard = this.#heard('report');
    this.#order({ kind: 'report' });
    return (await heard).report;
  }

  async load(load: LoadRequest): Promise<LoadResult> {
    const heard = this.#heard('result');
    this.#order({ kind: 'load', load });
    return (await heard).result;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  #order(order: SnapshotOrders): void {
    this.#child.send(order);
  }

  #heard<Kind extends SnapshotNews['kind']>(kind: Kind): Promise<Extract<SnapshotNews, { kind: Kind }>> {
    return new Promise((resolve, reject) => {
      const ended = () => settle(() => reject(new Error('Member ended')));
      const heard = (news: SnapshotNews) => {
        if (news.kind === kind) settle(() => resolve(news as Extract<SnapshotNews, { kind: Kind }>));
        else if (news.kind === 'failed') settle(() => reject(new Error(news.reason)));
      };
      const settle = (work: () => void) => {
        this.#child.off('message', heard);
        this.#child.off('exit', ended);
        work();
      };
      this.#child.on('message', heard);
      this.#child.on('exit', ended);
    });
  }
}
