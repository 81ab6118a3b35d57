import { type AddMemberRequest, ControlPlaneService } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { CellError } from '../cell-error.ts';
import type { MembershipChange } from '../ports.ts';
import { viewControlPlane } from './control-plane-view.ts';
import { transferLeadership } from './leadership-transfer.ts';
import { recoverQuorum } from './recover-quorum.ts';
import type { CallContext, CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import { memberToProto } from './to-proto.ts';

const { method } = ControlPlaneService;

const memberIdMax = 1_000_000;
/** "host:port" or "[host]:port". */
const addressPattern = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):(\d{1,5})$/;
const portMax = 65_535;
/** Until this member has applied a change that the leader has made, so that its answer shows it. */
const appliedTimeoutMs = 1_000;

/** The control plane itself, for people. */
export function registerControlPlaneService(server: Server, calls: CallServer, parts: MadeParts): void {
  const { consensus, clusterName } = parts;
  addService(server, parts.guard, ControlPlaneService, {
    getControlPlaneStatus: calls.unary(method.getControlPlaneStatus, async () => {
      const { leaderId, members } = await viewControlPlane(parts);
      return {
        cluster: clusterName,
        clusterId: consensus.clusterId,
        answeredBy: BigInt(consensus.memberId),
        leaderId: BigInt(leaderId),
        members: members.map(memberToProto),
      };
    }),
    transferLeadership: calls.unary(method.transferLeadership, async ({ to }, { entered }) => {
      entered.begun(to === 0n ? 'control-plane' : `member/${to}`);
      return { leaderId: BigInt(await transferLeadership(parts, Number(to))) };
    }),
    addMember: calls.unary(method.addMember, (request, context) => change(parts, addition(request), context)),
    promoteMember: calls.unary(method.promoteMember, ({ id }, context) => {
      return change(parts, { kind: 'promote', id: memberId(id) }, context);
    }),
    removeMember: calls.unary(method.removeMember, ({ id, force }, context) => {
      return change(parts, { kind: 'remove', id: memberId(id), force }, context);
    }),
    recoverQuorum: calls.unary(method.recoverQuorum, async (request, { entered, timeoutMs }) => {
      const { survivor, confirmCluster, force } = request;
      const order = { survivor: memberId(survivor), confirmCluster, force };
      // There is no majority to write it: this member's own log has it.
      if (confirmCluster !== '') entered.begun(`member/${survivor}`);
      parts.log.warn(order, 'Recovery from a lost quorum was asked for');
      const { lastIndex, dropped, clusterId, started } = await recoverQuorum(parts, order, timeoutMs);
      return { lastIndex: BigInt(lastIndex), dropped: dropped.map(BigInt), clusterId, started };
    }),
  });
}

async function change(
  parts: MadeParts,
  change: MembershipChange,
  { entered, timeoutMs }: Pick<CallContext, 'entered' | 'timeoutMs'>,
) {
  // No command of ours carries it. A member that removes itself has no chance to write it afterwards.
  await entered.begunNow(`member/${change.id}`);
  parts.log.info({ change }, `A change of membership was asked for: ${change.kind} member ${change.id}`);
  const index = await parts.consensus.changeMembership(change, timeoutMs);
  // The change is made, whether this member gets to know of it in time or not; a removed one may not at all.
  await parts.consensus.readBarrier(Math.min(appliedTimeoutMs, timeoutMs)).catch(() => undefined);
  const { members } = await viewControlPlane(parts);
  return { index: BigInt(index), members: members.map(memberToProto) };
}

function addition({ id, grpcAddress, peerAddress, httpAddress }: AddMemberRequest): MembershipChange {
  return {
    kind: 'add',
    id: memberId(id),
    grpc: hostAndPort(grpcAddress, 'agents and people'),
    peers: hostAndPort(peerAddress, 'peers'),
    http: hostAndPort(httpAddress, '/metrics'),
  };
}

function memberId(id: bigint): number {
  if (id >= 1n && id <= BigInt(memberIdMax)) return Number(id);
  throw new CellError('CELL_E_INVALID', `The id of a member is a number from 1 to ${memberIdMax}, and not ${id}`);
}

function hostAndPort(address: string, purpose: string): string {
  const port = Number(addressPattern.exec(address)?.[1] ?? 0);
  if (port > 0 && port <= portMax) return address;
  throw new CellError('CELL_E_INVALID', `The address for ${purpose} must be "host:port", and is "${address}"`);
}
