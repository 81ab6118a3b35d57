import { FleetService, Severity } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { fleetProblems } from '../plan/fleet-problems.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { addService } from './add-service.ts';
import { streamEvents } from './event-stream.ts';
import { type ProbedMember, probeMembers, readFreshest, readState } from './read-state.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import { jobToProto, memberToProto } from './to-proto.ts';

const { method } = FleetService;

/** The fleet as a whole, for people. */
export function registerFleetService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, FleetService, {
    getFleetStatus: calls.unary(method.getFleetStatus, async ({ stale }, { timeoutMs }) => {
      const state = await readState(parts, stale, timeoutMs);
      return fleetStatus(parts, state, await probeMembers(parts));
    }),
    streamEvents: calls.streaming(method.streamEvents, async function* (request, { signal, timeoutMs }) {
      await readFreshest(parts, timeoutMs);
      yield* streamEvents(parts.consensus, request, signal);
    }),
  });
}

function fleetStatus(parts: MadeParts, state: FleetState, probed: readonly ProbedMember[]) {
  const { consensus, peers, clusterName } = parts;
  const nodes = [...state.nodes.values()];
  const ready = nodes.filter((node) => node.status === 'ready').length;
  const jobs = [...state.jobs.values()].filter((job) => !job.stopped).sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    cluster: clusterName,
    clusterId: consensus.clusterId,
    members: peers.members.map((member) => memberToProto(member, statusOf(probed, member.id))),
    leaderId: BigInt(consensus.leadership.leaderId),
    nodesReady: ready,
    nodesLost: nodes.length - ready,
    jobs: jobs.map((job) => jobToProto(state, job)),
    problems: problems(parts, state, probed),
    index: BigInt(state.index),
  };
}

export function statusOf(probed: readonly ProbedMember[], id: number) {
  return probed.find((member) => member.id === id)?.status;
}

function problems(parts: MadeParts, state: FleetState, probed: readonly ProbedMember[]) {
  const { consensus } = parts;
  const members = probed.map(({ id, status }) => ({ id, reachable: status !== undefined }));
  const found = fleetProblems(state, { leaderId: consensus.leadership.leaderId, members });
  return found.map(({ severity, message, advice }) => ({
    severity: severity === 'critical' ? Severity.CRITICAL : Severity.WARNING,
    message,
    advice,
  }));
}
