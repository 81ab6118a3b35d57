import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { FleetService, Severity } from '@cell/proto';
import type { Server } from '@grpc/grpc-js';
import { addService } from '../add-service.ts';
import { fleetProblems } from '../plan/fleet-problems.ts';
import { identityProblems } from '../plan/identity-problems.ts';
import { type RefusedCallers, refusedCallers } from '../plan/refused-callers.ts';
import { describeReplaced } from '../plan/replaced-authority-text.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { type ControlPlaneView, viewControlPlane } from './control-plane-view.ts';
import { streamEvents } from './event-stream.ts';
import { seesEvent, visibleTo } from './namespace-view.ts';
import { readFreshest, readState } from './read-state.ts';
import type { CallServer } from './serve.ts';
import type { MadeParts } from './service-parts.ts';
import { jobToProto, memberToProto } from './to-proto.ts';

const { method } = FleetService;

/** The fleet as a whole, for people. */
export function registerFleetService(server: Server, calls: CallServer, parts: MadeParts): void {
  addService(server, parts.guard, FleetService, {
    getFleetStatus: calls.unary(method.getFleetStatus, async ({ stale }, { caller, timeoutMs }) => {
      const state = visibleTo(caller, await readState(parts, stale, timeoutMs));
      return fleetStatus(parts, state, await viewControlPlane(parts));
    }),
    streamEvents: calls.streaming(method.streamEvents, async function* (request, { caller, signal, timeoutMs }) {
      await readFreshest(parts, timeoutMs);
      const { consensus } = parts;
      yield* streamEvents(consensus, request, (event) => seesEvent(caller, consensus.state, event), signal);
    }),
  });
}

function fleetStatus(parts: MadeParts, state: FleetState, controlPlane: ControlPlaneView) {
  const { consensus, clusterName } = parts;
  const nodes = [...state.nodes.values()];
  const ready = nodes.filter((node) => node.status === 'ready');
  const drained = ready.filter(({ drain }) => drain !== undefined).length;
  const jobs = [...state.jobs.values()].filter((job) => !job.stopped).sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    cluster: clusterName,
    clusterId: consensus.clusterId,
    members: controlPlane.members.map(memberToProto),
    leaderId: BigInt(controlPlane.leaderId),
    nodesReady: ready.length,
    nodesLost: nodes.length - ready.length,
    nodesDrained: drained,
    nodesIneligible: ready.filter(({ eligible }) => !eligible).length - drained,
    jobs: jobs.map((job) => jobToProto(state, job)),
    problems: problems(parts, state, controlPlane),
    refused: refusedCallers(state.audit, parts.clock.wallMs()).map(refusedToProto),
    notices: notices(parts, state),
    index: BigInt(state.index),
  };
}

function notices({ clock, certificateLifetimeMs }: MadeParts, state: FleetState) {
  const replaced = describeReplaced(state, clock.wallMs(), certificateLifetimeMs);
  if (replaced === undefined || replaced.isPressing) return [];
  return [{ message: replaced.message, advice: replaced.advice }];
}

function refusedToProto({ count, lastMs, from: lastFrom, ...rest }: RefusedCallers) {
  return { ...rest, count: BigInt(count), lastAt: timestampFromMs(lastMs), lastFrom };
}

function problems(
  { clock, certificateLifetimeMs }: MadeParts,
  state: FleetState,
  { leaderId, members }: ControlPlaneView,
) {
  const facts = members.map(({ address, kind, status, progress }) => ({
    id: address.id,
    kind,
    reachable: status !== undefined,
    lagEntries: progress?.lagEntries,
    getsSnapshot: progress?.state === 'snapshot',
    diskFreeBytes: status?.diskFreeBytes,
    diskFull: status?.diskFull ?? false,
  }));
  const nowMs = clock.wallMs();
  const found = [
    ...fleetProblems(state, { leaderId, members: facts, nowMs }),
    ...identityProblems(state, nowMs, certificateLifetimeMs),
  ];
  return found.map(({ severity, message, advice }) => ({
    severity: severity === 'critical' ? Severity.CRITICAL : Severity.WARNING,
    message,
    advice,
  }));
}
