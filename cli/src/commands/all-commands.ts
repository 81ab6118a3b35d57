/** Every command, in the order in which help and reference list them. */
import type { CommandSpec } from '../command-line/command-spec.ts';
import { allocationExec } from './allocation/exec.ts';
import { allocationList } from './allocation/list.ts';
import { allocationLogs } from './allocation/logs.ts';
import { allocationShow } from './allocation/show.ts';
import { completeCommand } from './completion/complete.ts';
import { completion } from './completion/completion.ts';
import { controlPlaneAdd } from './control-plane/add.ts';
import { controlPlanePromote } from './control-plane/promote.ts';
import { controlPlaneRecover } from './control-plane/recover.ts';
import { controlPlaneRemove } from './control-plane/remove.ts';
import { controlPlaneStatus } from './control-plane/status.ts';
import { controlPlaneTransfer } from './control-plane/transfer.ts';
import { dev } from './dev/dev.ts';
import { events } from './events/events.ts';
import { failoverTest } from './failover/test.ts';
import { fleetStatus } from './fleet/status.ts';
import { helpCommand } from './help.ts';
import { jobList } from './job/list.ts';
import { jobPlan } from './job/plan.ts';
import { jobRun } from './job/run.ts';
import { jobShow } from './job/show.ts';
import { jobStop } from './job/stop.ts';
import { nodeDrain } from './node/drain.ts';
import { nodeEligibility } from './node/eligibility.ts';
import { nodeList } from './node/list.ts';
import { nodeShow } from './node/show.ts';
import { nodeUndrain } from './node/undrain.ts';
import { referenceCommand } from './reference.ts';
import { version } from './version.ts';

export const allCommands: readonly CommandSpec[] = [
  fleetStatus,
  nodeList,
  nodeShow,
  nodeDrain,
  nodeUndrain,
  nodeEligibility,
  jobPlan,
  jobRun,
  jobList,
  jobShow,
  jobStop,
  allocationList,
  allocationShow,
  allocationLogs,
  allocationExec,
  controlPlaneStatus,
  controlPlaneAdd,
  controlPlanePromote,
  controlPlaneRemove,
  controlPlaneTransfer,
  controlPlaneRecover,
  failoverTest,
  events,
  dev,
  completion,
  version,
  // These know all commands, themselves too.
  helpCommand(() => allCommands),
  completeCommand(() => allCommands),
  referenceCommand(() => allCommands),
];
