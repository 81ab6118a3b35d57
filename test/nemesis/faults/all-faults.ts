import type { Fault, FaultKind } from './fault.ts';
import { membership } from './membership-fault.ts';
import { clock, disk, transfer } from './other-faults.ts';
import { bridge, flaky, oneWay, partition, ring, slow } from './partition-faults.ts';
import { kill, pause } from './process-faults.ts';

export const ALL_FAULTS: Readonly<Record<FaultKind, Fault>> = {
  kill,
  pause,
  partition,
  'one-way': oneWay,
  ring,
  bridge,
  slow,
  flaky,
  clock,
  disk,
  transfer,
  membership,
};
