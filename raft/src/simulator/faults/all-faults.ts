import { crash, crashMany, crashWhileStoring, pause } from './crash.ts';
import { damage, failedSync, fullDisk, slowDisk } from './disk.ts';
import type { Fault } from './fault.ts';
import { campaign, forgetLeader, hurriedClock, lateAnswers, readsEverywhere, transfer } from './leadership.ts';
import { changeMembership } from './membership.ts';
import { bridge, lossy, majorityRing, oneWay, partial, split } from './partition.ts';
import { halfReplicated, unwrittenTail } from './tails.ts';

export const ALL_FAULTS: readonly Fault[] = [
  crash,
  crashWhileStoring,
  crashMany,
  pause,
  slowDisk,
  fullDisk,
  failedSync,
  damage,
  split,
  oneWay,
  partial,
  bridge,
  majorityRing,
  lossy,
  halfReplicated,
  unwrittenTail,
  lateAnswers,
  transfer,
  campaign,
  hurriedClock,
  forgetLeader,
  readsEverywhere,
  changeMembership,
];
