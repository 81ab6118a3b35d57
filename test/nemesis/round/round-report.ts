import type { FaultKind } from '../faults/fault.ts';
import type { OperationCounts } from '../judge/judge-history.ts';

/** What came of a round. */
export interface RoundReport {
  readonly seed: number;
  /** What may not be; empty: all holds. */
  readonly problems: readonly string[];
  /** What could not be decided. */
  readonly undecided: readonly string[];
  readonly operations: OperationCounts;
  /** How often each was done. */
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly longestUnavailableMs: number;
  /** From the end of the faults until all members accepted changes again; undefined if they never did. */
  readonly backMs: number | undefined;
}

export function isFine({ problems, undecided }: RoundReport): boolean {
  return problems.length === 0 && undecided.length === 0;
}

/** Lines for a person. */
export function reportText(report: RoundReport): string {
  const { seed, problems, undecided, operations, faults, longestUnavailableMs, backMs } = report;
  const verdict = problems.length > 0 ? 'VIOLATION' : undecided.length > 0 ? 'UNDECIDED' : 'all holds';
  const counts = Object.entries(faults).map(([kind, count]) => `${kind} ${count}`);
  return [
    `Seed ${seed}: ${verdict}`,
    `  operations: ${operations.ok} ok, ${operations.open} unknown, ${operations.refused} failed`,
    `  faults: ${counts.length === 0 ? 'none' : counts.join(', ')}`,
    `  longest unavailability ${shownSeconds(longestUnavailableMs)}; all members back ${
      backMs === undefined ? 'never' : `${shownSeconds(backMs)} after the last fault`
    }`,
    ...[...problems, ...undecided].map((problem) => `  ${problem.replaceAll('\n', '\n  ')}`),
  ].join('\n');
}

function shownSeconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
