import type { Scenario } from '../scenario.ts';
import type { Exercise } from './exercise.ts';
import { loseFollower, loseLeader, restartUnderLease } from './losses.ts';
import { divideJoint, shrinkQuorum } from './memberships.ts';
import { overtakeApply } from './snapshots.ts';
import { readAfterTransfer, transferAway, transferToLearner, transferToNobody } from './transfers.ts';

const ALL_EXERCISES: readonly Exercise[] = [
  transferAway,
  transferToNobody,
  transferToLearner,
  readAfterTransfer,
  loseFollower,
  loseLeader,
  restartUnderLease,
  shrinkQuorum,
  divideJoint,
  overtakeApply,
];

/** Those that make sense in a scenario, with how often each is chosen compared to the others. */
export function exercisesOf(scenario: Scenario): readonly (readonly [weight: number, exercise: Exercise])[] {
  return ALL_EXERCISES.map((exercise) => [exercise.weight(scenario), exercise] as const).filter(
    ([weight]) => weight > 0,
  );
}
