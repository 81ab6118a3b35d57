import { ControlPlaneService } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
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
  });
}
