import type { SequentialModel } from '@cell/raft/linearizability';
import type { MarkRanges, MarksInput, MarksOutput } from '../clients/operations.ts';

/** A set of marks that only grows, and is read as a whole. */
export const marksModel: SequentialModel<MarkRanges, MarksInput, MarksOutput> = {
  partition: (input) => input.drill,
  initial: () => [],
  key: keyOf,
  step(ranges, input, output) {
    if (input.kind === 'mark') return withMark(ranges, input.sequence);
    if (output === undefined) return ranges;
    return 'ranges' in output && keyOf(output.ranges) === keyOf(ranges) ? ranges : undefined;
  },
  describe: (input, output) => `${JSON.stringify(input)} -> ${JSON.stringify(output)}`,
};

function keyOf(ranges: MarkRanges): string {
  return ranges.map(([first, last]) => `${first}-${last}`).join(',');
}

export function hasMark(ranges: MarkRanges, mark: number): boolean {
  return ranges.some(([first, last]) => first <= mark && mark <= last);
}

function withMark(ranges: MarkRanges, mark: number): MarkRanges {
  if (hasMark(ranges, mark)) return ranges;
  const below = ranges.filter(([, last]) => last < mark - 1);
  const above = ranges.filter(([first]) => first > mark + 1);
  const joined = ranges.filter(([first, last]) => last === mark - 1 || first === mark + 1).flat();
  return [...below, [Math.min(mark, ...joined), Math.max(mark, ...joined)], ...above];
}
