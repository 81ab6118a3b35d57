/** Who may call what: one row for each method of each service. What has no row, nobody may call. */
import type { DescMethod } from '@bufbuild/protobuf';
import type { PersonRole } from '../model/identity.ts';
import { methodNameOf } from './actor.ts';

export interface MethodRights {
  /** People of this role and of those above it; or nodes; or members; or anybody, also without any identity. */
  readonly who: PersonRole | 'node' | 'member' | 'anybody';
  /**
   * What tokens that are limited to a namespace may do: call it, and what handles it keeps to their namespace; or not
   * at all. Only for people.
   */
  readonly limited: 'own-namespace' | 'refused';
  /**
   * Whether what comes of it is noted: never, since it only reads; always; or when a command carries a note, and when it
   * is refused: calls that come by the thousand.
   */
  readonly noted: 'never' | 'always' | 'by-command';
  /** Also nodes whose certificate has ended, not too long ago. */
  readonly expired: boolean;
}

export type RightsTable = Readonly<Record<string, MethodRights>>;

/** To see. */
const see = people('viewer', 'own-namespace', 'never');
/** To change what belongs to a namespace. */
const work = people('operator', 'own-namespace', 'always');
/** To change what is everybody's. */
const operate = people('operator', 'refused', 'always');
/** To say who may do what, and to see who did. */
const govern = people('admin', 'refused', 'always');
const inspect = people('admin', 'refused', 'never');
const byNode: MethodRights = { who: 'node', limited: 'refused', noted: 'never', expired: false };
const byMember: MethodRights = { who: 'member', limited: 'refused', noted: 'never', expired: false };
/** What they come with is looked at by what handles it. */
const join: MethodRights = { who: 'anybody', limited: 'refused', noted: 'always', expired: false };

export const methodRights: RightsTable = {
  'FleetService/GetFleetStatus': see,
  'FleetService/StreamEvents': see,
  'NodeService/ListNodes': see,
  'NodeService/GetNode': see,
  'NodeService/DrainNode': operate,
  'NodeService/UndrainNode': operate,
  'NodeService/SetNodeEligibility': operate,
  'NodeService/RevokeNode': govern,
  'JobService/PlanJob': see,
  'JobService/SubmitJob': work,
  'JobService/ListJobs': see,
  'JobService/GetJob': see,
  'JobService/StopJob': work,
  'AllocationService/ListAllocations': see,
  'AllocationService/GetAllocation': see,
  'AllocationService/StreamLogs': see,
  'AllocationService/Exec': work,
  'ControlPlaneService/GetControlPlaneStatus': see,
  'ControlPlaneService/TransferLeadership': operate,
  'ControlPlaneService/AddMember': govern,
  'ControlPlaneService/PromoteMember': govern,
  'ControlPlaneService/RemoveMember': govern,
  // One that only tells what it would do is no change.
  'ControlPlaneService/RecoverQuorum': { ...govern, noted: 'by-command' },
  'CommandService/SubmitCommands': { ...work, noted: 'by-command' },
  'DrillService/WriteMark': { ...operate, noted: 'by-command' },
  'DrillService/ListMarks': see,
  'DrillService/CrashLeader': operate,
  'IdentityService/GetCaller': see,
  'IdentityService/CreateToken': govern,
  'IdentityService/ListTokens': inspect,
  'IdentityService/RevokeToken': govern,
  'IdentityService/IssueCertificate': { ...see, noted: 'always' },
  'IdentityService/GetAuthorities': inspect,
  'IdentityService/RotateAuthority': govern,
  'IdentityService/RetireAuthority': govern,
  'IdentityService/RotateKey': govern,
  'IdentityService/ListAudit': inspect,
  'SecretService/SetSecret': work,
  'SecretService/ListSecrets': see,
  'SecretService/RemoveSecret': work,
  'AgentService/Session': byNode,
  'AgentService/SendLogs': byNode,
  'AgentService/ServeExec': byNode,
  'AgentService/Join': join,
  'AgentService/RenewCertificate': { ...byNode, noted: 'by-command', expired: true },
  'AgentService/FetchSecrets': byNode,
  'PeerService/Introduce': byMember,
  'PeerService/Found': byMember,
  'PeerService/ExchangeMessages': byMember,
  'PeerService/SendSnapshot': byMember,
  'PeerService/ProposeCommands': byMember,
  'PeerService/ReportLiveness': byMember,
  'PeerService/GetMember': byMember,
  'PeerService/RelayLogs': byMember,
  'PeerService/RelayExec': byMember,
  'PeerService/RelayUsage': byMember,
  'PeerService/Crash': byMember,
  'PeerService/Transfer': byMember,
  'PeerService/ChangeMembership': byMember,
  'PeerService/GetReplication': byMember,
  'PeerService/Recover': byMember,
  'PeerService/JoinMember': join,
  'PeerService/SendKey': byMember,
};

function people(who: PersonRole, limited: MethodRights['limited'], noted: MethodRights['noted']): MethodRights {
  return { who, limited, noted, expired: false };
}

const rows = new WeakMap<DescMethod, MethodRights>();

/** Undefined: nobody may call it. */
export function rightsOf(method: DescMethod): MethodRights | undefined {
  const known = rows.get(method);
  if (known !== undefined) return known;
  const name = methodNameOf(method);
  const row = Object.hasOwn(methodRights, name) ? methodRights[name] : undefined;
  if (row !== undefined) rows.set(method, row);
  return row;
}
