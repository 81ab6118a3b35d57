import type { Command, CommandResult, UnknownCommand } from '../commands.ts';
import type { StateChange } from '../fleet-state.ts';
import type { FleetTables } from '../fleet-tables.ts';
import { admitMember } from './admit-member.ts';
import { appendAudit } from './append-audit.ts';
import { Application } from './application.ts';
import { applyPlan } from './apply-plan.ts';
import { collectGarbage } from './collect-garbage.ts';
import { createToken } from './create-token.ts';
import { drainNode } from './drain-node.ts';
import { finishDrains } from './finish-drains.ts';
import { foundAuthority } from './found-authority.ts';
import { foundMembers } from './found-members.ts';
import { inviteMember } from './invite-member.ts';
import { joinMember } from './join-member.ts';
import { joinNode } from './join-node.ts';
import { leaderElected } from './leader-elected.ts';
import { noteAudit } from './note-audit.ts';
import { noteDrainTime } from './note-drain-time.ts';
import { notePromotion } from './note-promotion.ts';
import { recoverCluster } from './recover-cluster.ts';
import { registerNode } from './register-node.ts';
import { removeMember } from './remove-member.ts';
import { removeSecret } from './remove-secret.ts';
import { renewNode } from './renew-node.ts';
import { reportAllocations } from './report-allocations.ts';
import { reseal } from './reseal.ts';
import { retireAuthority } from './retire-authority.ts';
import { revokeNode } from './revoke-node.ts';
import { revokeToken } from './revoke-token.ts';
import { rotateAuthority } from './rotate-authority.ts';
import { setNodeEligibility } from './set-node-eligibility.ts';
import { setNodeStatus } from './set-node-status.ts';
import { setSecret } from './set-secret.ts';
import { stopJob } from './stop-job.ts';
import { submitJob } from './submit-job.ts';
import { trimEnded } from './trim-ended.ts';
import { undrainNode } from './undrain-node.ts';
import { writeMark } from './write-mark.ts';

/** What one command did. */
export interface Applied {
  readonly result: CommandResult;
  /** Empty, except for its index, if the command was refused. The audit log is no part of it. */
  readonly change: StateChange;
}

/**
 * Carries out the command at a Raft index, on top of everything before it. Deterministic: the same commands give the
 * same tables on every member, whether these were built up from the first command or restored from a snapshot. The
 * entry in the audit log is written with what the command did, also if that was nothing.
 */
export function applyCommand(tables: FleetTables, command: Command | UnknownCommand, index: number): Applied {
  const application = new Application(tables, index, command.timeMs);
  const result = carryOut(application, command);
  finishDrains(application);
  for (const job of application.touchedJobs()) trimEnded(application, job, 'when-due');
  if (command.audit !== undefined) appendAudit(application, command.audit, result.ok ? 'ok' : result.code, 1);
  return { result, change: application.finish() };
}

function carryOut(application: Application, command: Command | UnknownCommand): CommandResult {
  switch (command.kind) {
    case 'register-node':
      return registerNode(application, command);
    case 'set-node-status':
      return setNodeStatus(application, command);
    case 'drain-node':
      return drainNode(application, command);
    case 'undrain-node':
      return undrainNode(application, command);
    case 'set-node-eligibility':
      return setNodeEligibility(application, command);
    case 'note-drain-time':
      return noteDrainTime(application, command);
    case 'submit-job':
      return submitJob(application, command);
    case 'stop-job':
      return stopJob(application, command);
    case 'apply-plan':
      return applyPlan(application, command);
    case 'report-allocations':
      return reportAllocations(application, command);
    case 'collect-garbage':
      return collectGarbage(application);
    case 'leader-elected':
      return leaderElected(application, command);
    case 'write-mark':
      return writeMark(application, command);
    case 'found-members':
      return foundMembers(application, command);
    case 'invite-member':
      return inviteMember(application, command);
    case 'admit-member':
      return admitMember(application, command);
    case 'note-promotion':
      return notePromotion(application, command);
    case 'remove-member':
      return removeMember(application, command);
    case 'recover-cluster':
      return recoverCluster(application, command);
    case 'found-authority':
      return foundAuthority(application, command);
    case 'rotate-authority':
      return rotateAuthority(application, command);
    case 'retire-authority':
      return retireAuthority(application, command);
    case 'create-token':
      return createToken(application, command);
    case 'revoke-token':
      return revokeToken(application, command);
    case 'join-node':
      return joinNode(application, command);
    case 'join-member':
      return joinMember(application, command);
    case 'renew-node':
      return renewNode(application, command);
    case 'revoke-node':
      return revokeNode(application, command);
    case 'set-secret':
      return setSecret(application, command);
    case 'remove-secret':
      return removeSecret(application, command);
    case 'reseal':
      return reseal(application, command);
    case 'note-audit':
      return noteAudit(application, command);
    case 'unknown':
      return application.refuse(
        'CELL_E_UNKNOWN_COMMAND',
        `The command "${command.name}" is unknown to this version of the control plane; upgrade all members first`,
      );
  }
}
