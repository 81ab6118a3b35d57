/** Puts all services for people and agents on a server. */
import type { Server } from '@grpc/grpc-js';
import { AgentLogs } from './agent-logs.ts';
import { registerAgentService } from './agent-service.ts';
import { registerAllocationService } from './allocation-service.ts';
import { registerCommandService } from './command-service.ts';
import { registerControlPlaneService } from './control-plane-service.ts';
import { crashThisLeader, registerDrillService } from './drill-service.ts';
import { logsFromHere } from './find-logs.ts';
import { registerFleetService } from './fleet-service.ts';
import { registerJobService } from './job-service.ts';
import { transferFromHere } from './leadership-transfer.ts';
import { registerNodeService } from './node-service.ts';
import { recoverHere } from './recover-quorum.ts';
import { CallServer } from './serve.ts';
import type { ServedPeerRequests, ServiceParts } from './service-parts.ts';

/** Gives what the services answer to peers. */
export function registerServices(server: Server, given: ServiceParts): ServedPeerRequests {
  const parts = { ...given, agentLogs: new AgentLogs(given.clock, given.log) };
  const calls = new CallServer(given.log, given.clock);
  registerFleetService(server, calls, parts);
  registerNodeService(server, calls, parts);
  registerJobService(server, calls, parts);
  registerAllocationService(server, calls, parts);
  registerControlPlaneService(server, calls, parts);
  registerDrillService(server, calls, parts);
  registerCommandService(server, calls, parts);
  registerAgentService(server, parts);
  return {
    openLogs: (request, signal) => logsFromHere(parts, request, signal),
    crash: (drillId) => crashThisLeader(parts, drillId),
    transferLeadership: (target) => transferFromHere(parts, target),
    recover: (order) => recoverHere(parts, order),
  };
}
