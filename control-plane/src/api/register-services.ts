/** Puts all services for people and agents on a server. */
import type { Server } from '@grpc/grpc-js';
import { AgentExecs } from './agent-execs.ts';
import { AgentLogs } from './agent-logs.ts';
import { registerAgentService } from './agent-service.ts';
import { registerAllocationService } from './allocation-service.ts';
import { registerCommandService } from './command-service.ts';
import { registerControlPlaneService } from './control-plane-service.ts';
import { crashThisLeader, registerDrillService } from './drill-service.ts';
import { EndedIdentities } from './ended-identities.ts';
import { logsFromHere } from './find-logs.ts';
import { usageFromHere } from './find-usage.ts';
import { registerFleetService } from './fleet-service.ts';
import { registerIdentityService } from './identity-service.ts';
import { registerJobService } from './job-service.ts';
import { transferFromHere } from './leadership-transfer.ts';
import { registerNodeService } from './node-service.ts';
import { recoverHere } from './recover-quorum.ts';
import { execHere } from './run-exec.ts';
import { registerSecretService } from './secret-service.ts';
import { CallServer } from './serve.ts';
import type { ServedPeerRequests, ServiceParts } from './service-parts.ts';

/** Gives what the services answer to peers, and how to stop what they do on their own. */
export function registerServices(server: Server, given: ServiceParts): ServedPeerRequests & { stop(): void } {
  const { clock, log } = given;
  const parts = { ...given, agentLogs: new AgentLogs(clock, log), agentExecs: new AgentExecs(clock, log) };
  const calls = new CallServer(log, clock);
  registerFleetService(server, calls, parts);
  registerNodeService(server, calls, parts);
  registerJobService(server, calls, parts);
  registerAllocationService(server, calls, parts);
  registerControlPlaneService(server, calls, parts);
  registerDrillService(server, calls, parts);
  registerCommandService(server, calls, parts);
  registerIdentityService(server, calls, parts);
  registerSecretService(server, calls, parts);
  registerAgentService(server, calls, parts);
  const ended = new EndedIdentities({ ...parts, calls });
  return {
    openLogs: (request, signal) => logsFromHere(parts, request, signal),
    openExec: (messages, signal) => execHere(parts, messages, signal),
    usage: (allocationId) => usageFromHere(parts, allocationId),
    crash: (drillId) => crashThisLeader(parts, drillId),
    transferLeadership: (target) => transferFromHere(parts, target),
    recover: (order) => recoverHere(parts, order),
    keySent: (key) => parts.vault.addKey(key),
    stop: () => ended.stop(),
  };
}
