/** Every command, in the order in which help and reference list them. */
import type { CommandSpec } from '../command-line/command-spec.ts';
import { allocationExec } from './allocation/exec.ts';
import { allocationList } from './allocation/list.ts';
import { allocationLogs } from './allocation/logs.ts';
import { allocationShow } from './allocation/show.ts';
import { auditList } from './audit/list.ts';
import { auditVerify } from './audit/verify.ts';
import { caRetire } from './ca/retire.ts';
import { caRotate } from './ca/rotate.ts';
import { caStatus } from './ca/status.ts';
import { completeCommand } from './completion/complete.ts';
import { completion } from './completion/completion.ts';
import { contextList } from './context/list.ts';
import { contextUse } from './context/use.ts';
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
import { login } from './login/login.ts';
import { logout } from './login/logout.ts';
import { whoami } from './login/whoami.ts';
import { nodeDrain } from './node/drain.ts';
import { nodeEligibility } from './node/eligibility.ts';
import { nodeList } from './node/list.ts';
import { nodeRevoke } from './node/revoke.ts';
import { nodeShow } from './node/show.ts';
import { nodeUndrain } from './node/undrain.ts';
import { referenceCommand } from './reference.ts';
import { secretList } from './secret/list.ts';
import { secretRemove } from './secret/remove.ts';
import { secretRotateKey } from './secret/rotate-key.ts';
import { secretSet } from './secret/set.ts';
import { tokenCreate } from './token/create.ts';
import { tokenList } from './token/list.ts';
import { tokenRevoke } from './token/revoke.ts';
import { version } from './version.ts';

export const allCommands: readonly CommandSpec[] = [
  fleetStatus,
  nodeList,
  nodeShow,
  nodeDrain,
  nodeUndrain,
  nodeEligibility,
  nodeRevoke,
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
  login,
  logout,
  whoami,
  contextList,
  contextUse,
  tokenCreate,
  tokenList,
  tokenRevoke,
  secretSet,
  secretList,
  secretRemove,
  secretRotateKey,
  caStatus,
  caRotate,
  caRetire,
  auditList,
  auditVerify,
  dev,
  completion,
  version,
  // These know all commands, themselves too.
  helpCommand(() => allCommands),
  completeCommand(() => allCommands),
  referenceCommand(() => allCommands),
];
