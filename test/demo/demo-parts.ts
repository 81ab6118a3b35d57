import type { Fleet } from '../cluster/harness/fleet.ts';
import type { Cellctl } from './cellctl.ts';
import type { Narrator } from './narrator.ts';

/** What the steps share. */
export interface DemoParts {
  readonly fleet: Fleet;
  readonly cellctl: Cellctl;
  readonly narrator: Narrator;
}
