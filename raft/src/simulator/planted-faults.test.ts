import { afterEach, expect, test, vi } from 'vitest';
import { ApplyWindow } from '../core/log/apply-window.ts';
import { RaftLog } from '../core/log/raft-log.ts';
import { Progress } from '../core/progress/progress.ts';
import { Tracker } from '../core/progress/tracker.ts';
import { ReadOnly } from '../core/read-only.ts';
import { runSeeds } from './run-seeds.ts';

/** A fault in the core that takes more seeds than this to find would not be found in a change that is being made. */
const SEEDS_MAX = 100;

afterEach(() => {
  vi.restoreAllMocks();
});

const faults: readonly { readonly fault: string; readonly plant: () => void }[] = [
  {
    fault: 'voting for whoever asks, however short its log',
    plant: () => vi.spyOn(RaftLog.prototype, 'isUpToDate').mockReturnValue(true),
  },
  {
    fault: 'taking entries without looking at what they follow on',
    plant: () =>
      vi.spyOn(RaftLog.prototype, 'matches').mockImplementation(function (this: RaftLog, index) {
        return index <= this.lastIndex();
      }),
  },
  {
    fault: 'committing what any single member has',
    plant: () =>
      vi.spyOn(Tracker.prototype, 'committed').mockImplementation(function (this: Tracker) {
        return Math.max(...this.ids.map((id) => this.ackedIndex(id) ?? 0));
      }),
  },
  {
    fault: 'winning elections with any vote',
    plant: () =>
      vi.spyOn(Tracker.prototype, 'tallyVotes').mockReturnValue({ granted: 1, rejected: 0, result: 'won' as const }),
  },
  {
    fault: 'confirming reads without asking',
    plant: () => vi.spyOn(Tracker.prototype, 'isOnlyVoter').mockReturnValue(true),
  },
  {
    fault: 'never confirming reads',
    plant: () => vi.spyOn(ReadOnly.prototype, 'takeConfirmed').mockReturnValue([]),
  },
  {
    fault: 'applying entries again',
    plant: () =>
      vi.spyOn(ApplyWindow.prototype, 'accept').mockImplementation(function (this: ApplyWindow, last) {
        this.applying = last - 1;
      }),
  },
  {
    fault: 'never trying an earlier entry with a follower',
    plant: () => vi.spyOn(Progress.prototype, 'maybeDecrease').mockReturnValue(false),
  },
];

test.each(faults)('the simulator finds a core that is $fault', ({ plant }) => {
  plant();
  const { violations } = runSeeds(1, (done) => done.seeds < SEEDS_MAX && done.violations.length === 0);
  expect(violations).toHaveLength(1);
});
