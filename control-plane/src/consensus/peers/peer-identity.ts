import { Metadata } from '@grpc/grpc-js';
import { CellError } from '../../cell-error.ts';
import type { MemberAddress } from '../../ports.ts';

const CLUSTER_KEY = 'cell-cluster-id';
const MEMBER_KEY = 'cell-member-id';

/** Who this member is to its peers, and who they may be. */
export interface PeerIdentity {
  readonly clusterId: string;
  readonly memberId: number;
  /** This member included. */
  readonly members: readonly MemberAddress[];
}

/** What every call to a peer carries. */
export function identityMetadata(identity: PeerIdentity): Metadata {
  const metadata = new Metadata();
  metadata.set(CLUSTER_KEY, identity.clusterId);
  metadata.set(MEMBER_KEY, String(identity.memberId));
  return metadata;
}

/** The member that calls. Throws `CELL_E_FOREIGN_CLUSTER` for callers of another cluster, or of none. */
export function callerOf(metadata: Metadata, own: PeerIdentity): number {
  const clusterId = metadata.get(CLUSTER_KEY)[0]?.toString() ?? '';
  const memberId = Number(metadata.get(MEMBER_KEY)[0]);
  if (clusterId !== own.clusterId) {
    const message =
      `Refused member "${memberId}" of cluster "${clusterId}": this is member "${own.memberId}" of cluster ` +
      `"${own.clusterId}". Compare "cluster" and "members" in the configurations of both`;
    throw new CellError('CELL_E_FOREIGN_CLUSTER', message);
  }
  const known = own.members.some((member) => member.id === memberId);
  if (known && memberId !== own.memberId) return memberId;
  const why = known ? 'which is this member itself' : 'which is not in the configuration';
  throw new CellError(
    'CELL_E_FOREIGN_CLUSTER',
    `Refused member "${memberId}", ${why}. Compare "id" and "members" in the configurations of both`,
  );
}
