import { setTimeout } from 'node:timers/promises';
import { Random } from '@cell/raft/simulator';
import { ALL_FAULTS } from '../faults/all-faults.ts';
import type { FaultKind, Injected, Stage } from '../faults/fault.ts';
import type { PlannedFault } from '../faults/plan-faults.ts';

export interface FaultsRun {
  readonly stage: Stage;
  readonly planned: readonly PlannedFault[];
  readonly durationMs: number;
  readonly say: (text: string) => void;
}

/** Does all that is planned when it is due, and undoes it; all is healed when this resolves. Gives what was done. */
export async function runFaults(run: FaultsRun): Promise<ReadonlyMap<FaultKind, number>> {
  const startMs = performance.now();
  const done = new Map<FaultKind, number>();
  const until = (atMs: number) => setTimeout(Math.max(0, startMs + atMs - performance.now()));
  const seconds = () => ((performance.now() - startMs) / 1000).toFixed(1);
  const each = run.planned.map(async ({ kind, atMs, forMs, seed }) => {
    await until(atMs);
    const injected: Injected = await ALL_FAULTS[kind](run.stage, new Random(seed));
    done.set(kind, (done.get(kind) ?? 0) + 1);
    run.say(`${seconds()} s: ${kind}: ${injected.what}`);
    if (injected.heal === undefined) return;
    await until(atMs + forMs);
    await injected.heal();
    run.say(`${seconds()} s: ${kind}: healed`);
  });
  await Promise.all(each);
  await until(run.durationMs);
  return done;
}
