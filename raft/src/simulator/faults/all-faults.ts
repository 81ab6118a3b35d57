import { crash, crashMany, crashWhileStoring, pause } from './crash.ts';
import type { Fault } from './fault.ts';
import { campaign, forgetLeader, hurriedClock, readsEverywhere, transfer } from './leadership.ts';
import { changeMembership } from './membership.ts';
import { halfReplicated, lossy, oneWay, partial, split } from './partition.ts';
import { slowDisk } from './slow-disk.ts';

export const ALL_FAULTS: readonly Fault[] = [
  crash,
  crashWhileStoring,
  crashMany,
  pause,
  slowDisk,
  split,
  oneWay,
  partial,
  lossy,
  halfReplicated,
  transfer,
  campaign,
  hurriedClock,
  forgetLeader,
  readsEverywhere,
  changeMembership,
];
