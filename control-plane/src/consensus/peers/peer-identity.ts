import { Metadata } from '@grpc/grpc-js';
import { enteredCall } from '../../add-service.ts';
import { CellError } from '../../cell-error.ts';
import type { MemberAddress } from '../../ports.ts';
import { type Directory, MemberDirectory } from './member-directory.ts';

const CLUSTER_KEY = 'cell-cluster-id';
export const MEMBER_KEY = 'cell-member-id';
const INCARNATION_KEY = 'cell-incarnation';
const ADDRESS_KEY = 'cell-peer-address';

/** An address that a caller may give for itself: it is dialled, and shown to people. */
const ADDRESS = /^[A-Za-z0-9.:[\]-]{1,255}:\d{1,5}$/;

/** Who this member is to its peers, and who they may be. */
export interface PeerIdentity {
  readonly clusterId: string;
  readonly memberId: number;
  /** The random name of this member's data folder. */
  readonly incarnation: string;
  /** "host:port" where peers reach it. */
  readonly peerAddress: string;
  readonly directory: Directory;
  /** Ids of clusters that this one was recovered from: their members are out. */
  readonly formerClusterIds: () => readonly string[];
}

/** Among members that never change, as in measurements. */
export function fixedIdentity(clusterId: string, memberId: number, members: readonly MemberAddress[]): PeerIdentity {
  const directory = new MemberDirectory(members.map((member) => ({ ...member, incarnation: '' })));
  const peerAddress = directory.find(memberId)?.peers ?? '';
  return { clusterId, memberId, incarnation: '', peerAddress, directory, formerClusterIds: () => [] };
}

/** What every call to a peer carries. */
export function identityMetadata(identity: PeerIdentity): Metadata {
  const metadata = new Metadata();
  metadata.set(CLUSTER_KEY, identity.clusterId);
  metadata.set(MEMBER_KEY, String(identity.memberId));
  metadata.set(INCARNATION_KEY, identity.incarnation);
  metadata.set(ADDRESS_KEY, identity.peerAddress);
  return metadata;
}

/** A call of a member, as grpc-js gives it. */
export interface MemberCall {
  readonly metadata: Metadata;
}

/** Whom the caller's certificate names. Throws `CELL_E_FORBIDDEN` if that is no member. */
export function provenMember(call: MemberCall): number {
  const { caller } = enteredCall(call);
  if (caller.kind === 'member') return caller.id;
  throw new CellError('CELL_E_FORBIDDEN', 'Only members of the control plane call each other');
}

/**
 * The member that calls. Throws `CELL_E_FORBIDDEN` if its certificate proves it another one, `CELL_E_FOREIGN_CLUSTER`
 * for callers of another cluster or of none, `CELL_E_REMOVED` for those that are out for ever, and `CELL_E_DATA_LOST` for
 * those that came back with other data. A caller of this
 * cluster that is not known here yet is believed, since only its members know how to be one: this member lags behind.
 */
export function callerOf(metadata: Metadata, proven: number, own: PeerIdentity): number {
  const text = (key: string) => metadata.get(key)[0]?.toString() ?? '';
  const clusterId = text(CLUSTER_KEY);
  const memberId = Number(text(MEMBER_KEY));
  if (memberId !== proven) {
    const message = `Refused member "${memberId}": it has the certificate of member "${proven}"`;
    throw new CellError('CELL_E_FORBIDDEN', message);
  }
  checkCluster(clusterId, memberId, own);
  if (memberId === own.memberId || !Number.isSafeInteger(memberId) || memberId < 1) {
    const why = memberId === own.memberId ? 'which is this member itself' : 'which is no id of a member';
    const message = `Refused member "${memberId}", ${why}. Compare "id" and "members" in the configurations of both`;
    throw new CellError('CELL_E_FOREIGN_CLUSTER', message);
  }
  if (own.directory.removed(memberId)) throw removedError(memberId, 'it was removed from the control plane');
  const incarnation = text(INCARNATION_KEY);
  const known = own.directory.find(memberId);
  if (known === undefined) {
    const peers = text(ADDRESS_KEY);
    if (ADDRESS.test(peers)) own.directory.learn({ id: memberId, incarnation, peers, grpc: '', http: '' });
  } else if (known.incarnation !== '' && known.incarnation !== incarnation) throw dataLostError(memberId);
  return memberId;
}

function checkCluster(clusterId: string, memberId: number, own: PeerIdentity): void {
  if (clusterId === own.clusterId) return;
  if (own.formerClusterIds().includes(clusterId)) {
    const why = `cluster "${clusterId}" lost its quorum, and goes on without it as cluster "${own.clusterId}"`;
    throw removedError(memberId, why);
  }
  const message =
    `Refused member "${memberId}" of cluster "${clusterId}": this is member "${own.memberId}" of cluster ` +
    `"${own.clusterId}". Compare "cluster" and "members" in the configurations of both`;
  throw new CellError('CELL_E_FOREIGN_CLUSTER', message);
}

export function removedError(memberId: number, why: string): CellError {
  const advice = 'To use the machine again, add it with an id that was never used and an empty data folder';
  return new CellError(
    'CELL_E_REMOVED',
    `Member "${memberId}" does not belong to the cluster any more: ${why}. ${advice}`,
  );
}

/** What it acknowledged is gone: were it to vote again, writes that it was counted for could be lost. */
export function dataLostError(memberId: number): CellError {
  const message =
    `Member "${memberId}" has other data than when it came into the cluster. If another machine has that id, give this ` +
    `one an id of its own; if its data is lost, say "cellctl control-plane remove ${memberId}", and add it with an id ` +
    'that was never used';
  return new CellError('CELL_E_DATA_LOST', message);
}
