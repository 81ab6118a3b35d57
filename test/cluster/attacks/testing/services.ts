import type { DescMethod, DescService } from '@bufbuild/protobuf';
import {
  AgentService,
  AllocationService,
  CommandService,
  ControlPlaneService,
  DrillService,
  FleetService,
  IdentityService,
  JobService,
  NodeService,
  PeerService,
  SecretService,
} from '@cell/proto';

/** What people call. */
const forPeople: readonly DescService[] = [
  AllocationService,
  CommandService,
  ControlPlaneService,
  DrillService,
  FleetService,
  IdentityService,
  JobService,
  NodeService,
  SecretService,
];

/** What a viewer may call; all else changes something, or is not for all eyes. */
const READS = new Set([
  'GetFleetStatus',
  'StreamEvents',
  'ListNodes',
  'GetNode',
  'PlanJob',
  'ListJobs',
  'GetJob',
  'ListAllocations',
  'GetAllocation',
  'StreamLogs',
  'GetControlPlaneStatus',
  'ListMarks',
  'GetCaller',
  'IssueCertificate',
  'ListSecrets',
]);

/** Written down once more: what rights there are is what is tested. */
export const methods = {
  people: forPeople.flatMap((service) => service.methods),
  agents: AgentService.methods.filter(({ name }) => name !== 'Join'),
  peers: PeerService.methods.filter(({ name }) => name !== 'JoinMember'),
} as const satisfies Record<string, readonly DescMethod[]>;

export const notForViewers = methods.people.filter(({ name }) => !READS.has(name));

/** Each method with the same code. */
export function all(chosen: readonly DescMethod[], code: string): Record<string, string> {
  return Object.fromEntries(chosen.map(({ name }) => [name, code]));
}
