/**
 * One member with a large fleet's state, in a process of its own: the product's consensus and state, but what is
 * written meanwhile is only counted. It says how long its event loop stood still, and ends with its parent.
 */
import { FleetMachine } from '@cell/control-plane/fleet-machine';
import type { Entry, SnapshotMeta, StateMachine } from '@cell/raft';
import { startBenchMember } from './bench-member.ts';
import type { LoadRequest, LoadResult } from './load.ts';
import { SNAPSHOT_EVERY } from './snapshot-settings.ts';

export type SnapshotOrders =
  | { readonly kind: 'load'; readonly load: LoadRequest }
  | { readonly kind: 'watch' }
  | { readonly kind: 'add'; readonly id: number }
  | { readonly kind: 'report' }
  | { readonly kind: 'stop' };

export interface MemberReport {
  /** The longest that the event loop stood still since `watch`, also for want of a processor. */
  readonly pauseMax: Pause;
  /** The most that its thread worked in one such pause: what the program itself is to blame for. */
  readonly workMsMax: number;
  readonly term: number;
  readonly snapshotIndex: number;
  readonly applied: number;
  readonly firstIndex: number;
  readonly rssBytes: number;
  /** Of the whole process, since its start. */
  readonly cpuSeconds: number;
  readonly leading: boolean;
}

export interface Pause {
  readonly ms: number;
  /** Processor time of its thread meanwhile: without any, the machine had other work. */
  readonly workMs: number;
}

export type SnapshotNews =
  | { readonly kind: 'up'; readonly startedMs: number }
  | { readonly kind: 'result'; readonly result: LoadResult }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'report'; readonly report: MemberReport };

const RESOLUTION_MS = 1;

const NO_PAUSE: Pause = { ms: 0, workMs: 0 };

/** Looks as often as it gets to at how long it did not. */
class PauseMeter {
  pauseMax: Pause = NO_PAUSE;
  workMsMax = 0;
  #lastMs = 0;
  #lastWorkMs = 0;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    clearInterval(this.#timer);
    this.#look();
    this.pauseMax = NO_PAUSE;
    this.workMsMax = 0;
    this.#timer = setInterval(() => this.#look(), RESOLUTION_MS);
  }

  #look(): void {
    const nowMs = performance.now();
    const { user, system } = process.threadCpuUsage();
    const allWorkMs = (user + system) / 1000;
    const pause = { ms: nowMs - this.#lastMs - RESOLUTION_MS, workMs: allWorkMs - this.#lastWorkMs };
    if (pause.ms > this.pauseMax.ms) this.pauseMax = pause;
    this.workMsMax = Math.max(this.workMsMax, pause.workMs);
    this.#lastMs = nowMs;
    this.#lastWorkMs = allWorkMs;
  }
}

class LargeMachine implements StateMachine {
  readonly #fleet = new FleetMachine({ changed: () => {}, applied: () => {} });

  apply(entries: readonly Entry[]): readonly unknown[] {
    return entries.map(({ index }) => index);
  }

  capture(): AsyncIterable<Uint8Array> {
    return this.#fleet.capture();
  }

  restore(meta: SnapshotMeta, data: AsyncIterable<Uint8Array>): Promise<void> {
    return this.#fleet.restore(meta, data);
  }
}

const [id, folder, security, founders, ...addresses] = process.argv.slice(2);
if (id === undefined || folder === undefined || security === undefined)
  throw new Error('Started without its arguments');
const member = await startBenchMember({
  id: Number(id),
  folder,
  addresses,
  security,
  machine: new LargeMachine(),
  founders: Number(founders),
  snapshotEveryEntries: SNAPSHOT_EVERY,
});
const meter = new PauseMeter();
const say = (news: SnapshotNews) => process.send?.(news);

function report(): MemberReport {
  const { term, snapshotIndex, applied, firstIndex, role } = member.status();
  const { pauseMax, workMsMax } = meter;
  const rssBytes = process.memoryUsage.rss();
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  return {
    pauseMax,
    workMsMax,
    term,
    snapshotIndex,
    applied,
    firstIndex,
    rssBytes,
    cpuSeconds,
    leading: role === 'leader',
  };
}

process.on('disconnect', () => process.exit());
process.on('message', (order: SnapshotOrders) => {
  if (order.kind === 'stop') void member.stop().then(() => process.exit());
  else if (order.kind === 'report') say({ kind: 'report', report: report() });
  else if (order.kind === 'add') void member.add(order.id);
  else if (order.kind === 'watch') meter.start();
  else {
    member.run(order.load).then(
      (result) => say({ kind: 'result', result }),
      (error: Error) => say({ kind: 'failed', reason: error.message }),
    );
  }
});
say({ kind: 'up', startedMs: performance.now() });
