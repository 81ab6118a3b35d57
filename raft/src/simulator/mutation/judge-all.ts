import { availableParallelism } from 'node:os';
import { judgeBySimulation, type SimulationJudge } from './judge-by-simulation.ts';
import { judgeByTests } from './judge-by-tests.ts';
import { MutationError, type PlantedFault } from './planted-fault.ts';
import { type Verdict, verdictText } from './verdict.ts';

const WORKERS_MAX = 2;

/**
 * Judges all faults, some at the same time; the verdicts come in the order of the faults. First the judges are asked
 * about the code as it is, which they must find no fault with: throws MutationError `unsound-start` if they do.
 */
export async function judgeAll(
  faults: readonly PlantedFault[],
  simulation: SimulationJudge,
  judged: (verdict: Verdict, done: number) => void,
): Promise<readonly Verdict[]> {
  if (faults.some(({ judge }) => judge === 'simulation')) {
    // All seeds: one that fails by itself would pass for having found every fault that the seeds before it missed.
    assertSound(await judgeBySimulation('none', simulation));
  }
  const tests = new Set(faults.flatMap(({ judge }) => (judge === 'simulation' ? [] : judge.tests)));
  if (tests.size > 0) assertSound(await judgeByTests(undefined, simulation.sources, [...tests]));
  const verdicts = new Map<PlantedFault, Verdict>();
  const waiting = [...faults];
  const work = async (): Promise<void> => {
    for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
      const { name, judge } = fault;
      const verdict = await (judge === 'simulation'
        ? judgeBySimulation(name, simulation)
        : judgeByTests(fault, simulation.sources, judge.tests));
      verdicts.set(fault, verdict);
      judged(verdict, verdicts.size);
    }
  };
  await Promise.all(Array.from({ length: Math.min(WORKERS_MAX, availableParallelism()) }, work));
  return faults.map((fault) => verdicts.get(fault) as Verdict);
}

function assertSound(verdict: Verdict): void {
  if (!verdict.caught) return;
  const why = verdict.simulation?.message ?? '';
  throw new MutationError('unsound-start', `No fault is planted yet, and one is found: ${verdictText(verdict)} ${why}`);
}
