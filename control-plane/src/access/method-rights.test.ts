import type { DescMethod, DescService } from '@bufbuild/protobuf';
import * as contracts from '@cell/proto';
import { expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import type { Caller } from '../ports.ts';
import { methodNameOf } from './actor.ts';
import { checkRights } from './check-rights.ts';
import { methodRights, rightsOf } from './method-rights.ts';

const services: readonly DescService[] = Object.values(contracts as Record<string, unknown>).filter(isService);
const methods: readonly DescMethod[] = services.flatMap((service) => service.methods);

function isService(value: unknown): value is DescService {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'service';
}

function person(role: 'viewer' | 'operator' | 'admin', namespace?: string): Caller {
  return { kind: 'person', tokenId: 't', name: role, role, namespace, certificateExpiresAtMs: undefined };
}

const callers: readonly (readonly [string, Caller])[] = [
  ['nobody', { kind: 'nobody' }],
  ['node', { kind: 'node', id: 'n1', expired: false }],
  ['expired', { kind: 'node', id: 'n1', expired: true }],
  ['member', { kind: 'member', id: 1 }],
  ['viewer', person('viewer')],
  ['viewer in a', person('viewer', 'a')],
  ['operator', person('operator')],
  ['operator in a', person('operator', 'a')],
  ['admin', person('admin')],
];

function may(caller: Caller, method: DescMethod): boolean {
  try {
    checkRights(caller, rightsOf(method)!, methodNameOf(method));
    return true;
  } catch (error) {
    if (error instanceof CellError) return false;
    throw error;
  }
}

test('each method of each service has a row, and each row a method', () => {
  expect(services.length).toBe(11);
  expect(Object.keys(methodRights).sort()).toEqual(methods.map(methodNameOf).sort());
});

test('what has no row has no rights', () => {
  expect(rightsOf({ ...methods[0]!, name: 'toString' })).toBeUndefined();
  expect(rightsOf({ ...methods[0]!, name: 'Invented' })).toBeUndefined();
});

test('who may call what', () => {
  const byCallers = new Map<string, string[]>();
  for (const method of methods) {
    const who = callers.filter(([, caller]) => may(caller, method)).map(([name]) => name);
    const key = who.join(', ');
    byCallers.set(key, [...(byCallers.get(key) ?? []), methodNameOf(method)]);
  }
  const table = [...byCallers].map(
    ([who, names]) =>
      `${who}:\n${names
        .sort()
        .map((name) => `  ${name}\n`)
        .join('')}`,
  );
  expect(table.sort().join('')).toMatchInlineSnapshot(`
    "admin:
      ControlPlaneService/AddMember
      ControlPlaneService/PromoteMember
      ControlPlaneService/RecoverQuorum
      ControlPlaneService/RemoveMember
      IdentityService/CreateToken
      IdentityService/GetAuthorities
      IdentityService/ListAudit
      IdentityService/ListTokens
      IdentityService/RetireAuthority
      IdentityService/RevokeToken
      IdentityService/RotateAuthority
      IdentityService/RotateKey
      NodeService/RevokeNode
    member:
      PeerService/ChangeMembership
      PeerService/Crash
      PeerService/ExchangeMessages
      PeerService/Found
      PeerService/GetMember
      PeerService/GetReplication
      PeerService/Introduce
      PeerService/ProposeCommands
      PeerService/Recover
      PeerService/RelayExec
      PeerService/RelayLogs
      PeerService/RelayUsage
      PeerService/ReportLiveness
      PeerService/SendKey
      PeerService/SendSnapshot
      PeerService/Transfer
    nobody, node, expired, member, viewer, viewer in a, operator, operator in a, admin:
      AgentService/Join
      PeerService/JoinMember
    node, expired:
      AgentService/RenewCertificate
    node:
      AgentService/FetchSecrets
      AgentService/SendLogs
      AgentService/ServeExec
      AgentService/Session
    operator, admin:
      ControlPlaneService/TransferLeadership
      DrillService/CrashLeader
      DrillService/WriteMark
      NodeService/DrainNode
      NodeService/SetNodeEligibility
      NodeService/UndrainNode
    operator, operator in a, admin:
      AllocationService/Exec
      CommandService/SubmitCommands
      JobService/StopJob
      JobService/SubmitJob
      SecretService/RemoveSecret
      SecretService/SetSecret
    viewer, viewer in a, operator, operator in a, admin:
      AllocationService/GetAllocation
      AllocationService/ListAllocations
      AllocationService/StreamLogs
      ControlPlaneService/GetControlPlaneStatus
      DrillService/ListMarks
      FleetService/GetFleetStatus
      FleetService/StreamEvents
      IdentityService/GetCaller
      IdentityService/IssueCertificate
      JobService/GetJob
      JobService/ListJobs
      JobService/PlanJob
      NodeService/GetNode
      NodeService/ListNodes
      SecretService/ListSecrets
    "
  `);
});

test('a role that is higher may do all that a lower one may', () => {
  for (const method of methods) {
    if (may(person('viewer'), method)) expect(may(person('operator'), method), method.name).toBe(true);
    if (may(person('operator'), method)) expect(may(person('admin'), method), method.name).toBe(true);
    if (may(person('viewer', 'a'), method)) expect(may(person('viewer'), method), method.name).toBe(true);
    if (may(person('operator', 'a'), method)) expect(may(person('operator'), method), method.name).toBe(true);
  }
});

test('what only reads is not noted, what changes is', () => {
  const quiet = methods.filter((method) => rightsOf(method)?.noted === 'never').map(({ name }) => name);
  const changing = /^(Set|Remove|Add|Drain|Undrain|Submit|Stop|Revoke|Create|Rotate|Retire|Issue|Join|Exec$)/;
  expect(quiet.filter((name) => changing.test(name))).toEqual([]);
});
