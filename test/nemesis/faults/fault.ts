import type { Random } from '@cell/raft/simulator';
import type { NemesisFleet } from '../fleet/nemesis-fleet.ts';
import type { Links } from '../network/links.ts';

export const FAULT_KINDS = [
  'kill',
  'pause',
  'partition',
  'one-way',
  'ring',
  'bridge',
  'slow',
  'flaky',
  'clock',
  'disk',
  'transfer',
  'membership',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** What faults are done to. */
export interface Stage {
  readonly fleet: NemesisFleet;
  readonly links: Links;
}

export interface Injected {
  /** What was done, with the members' numbers. */
  readonly what: string;
  /** Absent: there is nothing to undo. */
  readonly heal?: () => Promise<void> | void;
}

/** Does a fault; its details are drawn from `random`, so that a seed gives the same ones. */
export type Fault = (stage: Stage, random: Random) => Promise<Injected>;
