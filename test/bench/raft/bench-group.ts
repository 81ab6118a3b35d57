import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../cluster/harness/free-ports.ts';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { MemberNews, MemberOrders } from './bench-member.ts';
import { makeSecurity, securityWord } from './bench-security.ts';
import type { LoadRequest, LoadResult } from './load.ts';
import { memberFlags } from './member-flags.ts';

const LEADER_MS_MAX = 15_000;
const STOP_MS_MAX = 5_000;

/** Members in processes of their own, on loopback, with their logs in one temporary folder. */
export class BenchGroup {
  readonly #folder: string;
  readonly #children: readonly ChildProcess[];
  readonly #leading = new Set<ChildProcess>();

  private constructor(folder: string, children: readonly ChildProcess[]) {
    this.#folder = folder;
    this.#children = children;
    for (const child of children) {
      child.on('message', (news: MemberNews) => {
        if (news.kind !== 'leader') return;
        if (news.leading) this.#leading.add(child);
        else this.#leading.delete(child);
      });
    }
  }

  static async start(members: number, secured = true): Promise<BenchGroup> {
    const folder = mkdtempSync(join(tmpdir(), 'cell-bench-'));
    const security = secured ? await makeSecurity(folder) : 'plain';
    const addresses = (await freePorts(members)).map((port) => `127.0.0.1:${port}`);
    const children = addresses.map((_, place) =>
      fork(
        join(import.meta.dirname, 'member-main.ts'),
        [String(place + 1), join(folder, String(place)), securityWord(security), ...addresses],
        {
          execArgv: [...memberFlags()],
        },
      ),
    );
    return new BenchGroup(folder, children);
  }

  /** Loads the leader. Rejects if it fails, or loses its office meanwhile. */
  async load(load: LoadRequest): Promise<LoadResult> {
    const leader = await waitFor(() => (this.#leading.size === 1 ? [...this.#leading][0] : undefined), {
      what: 'a leader',
      timeoutMs: LEADER_MS_MAX,
    });
    return new Promise((resolve, reject) => {
      const ended = () => settle(() => reject(new Error('Leader ended under load')));
      const heard = (news: MemberNews) => {
        if (news.kind === 'result') settle(() => resolve(news.result));
        else if (news.kind === 'failed') settle(() => reject(new Error(news.reason)));
      };
      const settle = (work: () => void) => {
        leader.off('message', heard);
        leader.off('exit', ended);
        work();
      };
      leader.on('message', heard);
      leader.on('exit', ended);
      leader.send({ kind: 'load', load } satisfies MemberOrders);
    });
  }

  async stop(): Promise<void> {
    for (const child of this.#children) if (child.connected) child.send({ kind: 'stop' } satisfies MemberOrders);
    const ended = () => this.#children.every((child) => child.exitCode !== null || child.signalCode !== null);
    await waitFor(ended, { what: 'members to end', timeoutMs: STOP_MS_MAX }).catch(() => {
      for (const child of this.#children) child.kill('SIGKILL');
    });
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}
