import type { FuzzTarget } from '../fuzz-target.ts';
import { callTargets } from './call-targets.ts';
import { messageTargets } from './message-targets.ts';
import { raftTargets } from './raft-targets.ts';
import { stateTargets } from './state-targets.ts';
import { storedTargets } from './stored-targets.ts';
import { textTargets } from './text-targets.ts';

/** Everything that parses what comes from outside, but what needs a port: see ../ports/. */
export const allTargets: readonly FuzzTarget[] = [
  ...messageTargets,
  ...callTargets,
  ...textTargets,
  ...storedTargets,
  ...stateTargets,
  ...raftTargets,
];
