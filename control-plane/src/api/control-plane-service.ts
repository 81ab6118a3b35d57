import { ControlPlaneService } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { CellError } from '../cell-error.ts';
import { addService } from './add-service.ts';
import { statusOf } from './fleet-service.ts';
import { transferLeadership } from './leadership-transfer.ts';
import { probeMembers } from './read-state.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import { memberToProto } from './to-proto.ts';

const { method } = ControlPlaneService;

/** The control plane itself, for people. */
export function registerControlPlaneService(server: Server, calls: CallServer, parts: MadeParts): void {
  const { consensus, peers, clusterName } = parts;
  addService(server, ControlPlaneService, {
    getControlPlaneStatus: calls.unary(method.getControlPlaneStatus, async () => {
      const probed = await probeMembers(parts);
      return {
        cluster: clusterName,
        clusterId: consensus.clusterId,
        answeredBy: BigInt(consensus.memberId),
        leaderId: BigInt(consensus.leadership.leaderId),
        members: peers.members.map((member) => memberToProto(member, statusOf(probed, member.id))),
      };
    }),
    transferLeadership: calls.unary(method.transferLeadership, async ({ to }) => {
      return { leaderId: BigInt(await transferLeadership(parts, Number(to))) };
    }),
    addMember: calls.unary(method.addMember, notYet),
    promoteMember: calls.unary(method.promoteMember, notYet),
    removeMember: calls.unary(method.removeMember, notYet),
    recoverQuorum: calls.unary(method.recoverQuorum, notYet),
  });
}

function notYet(): never {
  throw new CellError('CELL_E_UNKNOWN_COMMAND', 'This version cannot change its membership yet');
}
