import { COMMIT_FAULTS } from './planted/commit-faults.ts';
import { DRIVER_FAULTS } from './planted/driver-faults.ts';
import { ELECTION_FAULTS } from './planted/election-faults.ts';
import { FLOW_FAULTS } from './planted/flow-faults.ts';
import { LOG_FAULTS } from './planted/log-faults.ts';
import { MEMBERSHIP_FAULTS } from './planted/membership-faults.ts';
import { READ_AND_TRANSFER_FAULTS } from './planted/read-and-transfer-faults.ts';
import { SNAPSHOT_FAULTS } from './planted/snapshot-faults.ts';
import { STORING_FAULTS } from './planted/storing-faults.ts';
import { type CoreFault, MutationError, type PlantedFault } from './planted-fault.ts';

export interface FaultGroup {
  readonly title: string;
  readonly faults: readonly PlantedFault[];
}

/** All planted faults, by subject. */
export const FAULT_GROUPS: readonly FaultGroup[] = [
  ofCore('Elections', ELECTION_FAULTS),
  ofCore('The log', LOG_FAULTS),
  ofCore('Commitment and replication', COMMIT_FAULTS),
  ofCore('What is durable when', STORING_FAULTS),
  ofCore('Flow control', FLOW_FAULTS),
  ofCore('Snapshots', SNAPSHOT_FAULTS),
  ofCore('Membership', MEMBERSHIP_FAULTS),
  ofCore('Reads and transfers', READ_AND_TRANSFER_FAULTS),
  { title: 'Storage, driver, and guards that no simulated world needs', faults: DRIVER_FAULTS },
];

export const ALL_PLANTED_FAULTS: readonly PlantedFault[] = FAULT_GROUPS.flatMap(({ faults }) => faults);

function ofCore(title: string, faults: readonly CoreFault[]): FaultGroup {
  return { title, faults: faults.map((fault) => ({ ...fault, judge: 'simulation' })) };
}

/** Throws MutationError `unknown-fault`. */
export function faultNamed(name: string): PlantedFault {
  const fault = ALL_PLANTED_FAULTS.find((one) => one.name === name);
  if (fault !== undefined) return fault;
  throw new MutationError('unknown-fault', `There is no planted fault '${name}'; --list names them all`);
}
