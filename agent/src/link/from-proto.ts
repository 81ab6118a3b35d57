import {
  DesiredState,
  HealthCheckType,
  LogStream,
  OnDisconnect,
  RestartMode,
  type DesiredAllocation as SaidAllocation,
  type DesiredAllocations as SaidAllocations,
  type HealthCheck as SaidHealthCheck,
  type StreamLogsRequest,
} from '@cell/proto';
import type { DesiredChange } from '../execute/allocation-manager.ts';
import type { LogRequest } from '../ports.ts';
import type { DesiredAllocation, HealthCheck, RestartPolicy } from '../reconcile/model.ts';

/** What the control plane wants, in the agent's own words. What a message leaves out has the proto's defaults. */
export function desiredFromProto(said: SaidAllocations): DesiredChange {
  return {
    generation: Number(said.generation),
    complete: said.complete,
    set: said.set.map(allocationFromProto),
    removed: said.removed,
  };
}

function allocationFromProto(said: SaidAllocation): DesiredAllocation {
  const { spec } = said;
  return {
    id: said.id,
    jobName: spec?.name ?? '',
    jobVersion: Number(said.jobVersion),
    instance: said.instance,
    desired: said.desired === DesiredState.STOP ? 'stop' : 'run',
    command: spec?.command ?? [],
    environment: { ...spec?.environment },
    user: spec?.user ?? '',
    workingDirectory: spec?.workingDirectory ?? '',
    ports: { ...said.ports },
    health: spec?.health === undefined ? null : healthFromProto(spec.health),
    restart: {
      mode: restartModeFromProto(spec?.restart?.mode),
      attempts: spec?.restart?.attempts ?? 0,
      windowMs: spec?.restart?.windowMs ?? 0,
      delayMs: spec?.restart?.delayMs ?? 0,
      delayMaxMs: spec?.restart?.delayMaxMs ?? 0,
    },
    stop: { signal: spec?.stop?.signal || 'SIGTERM', timeoutMs: spec?.stop?.timeoutMs ?? 0 },
    onDisconnect: spec?.onDisconnect === OnDisconnect.STOP ? 'stop' : 'keep',
  };
}

function healthFromProto(said: SaidHealthCheck): HealthCheck {
  return {
    type: healthTypeFromProto(said.type),
    port: said.port,
    path: said.path,
    command: said.command,
    intervalMs: said.intervalMs,
    timeoutMs: said.timeoutMs,
    healthyThreshold: said.healthyThreshold,
    unhealthyThreshold: said.unhealthyThreshold,
    graceMs: said.graceMs,
  };
}

function healthTypeFromProto(type: SaidHealthCheck['type']): HealthCheck['type'] {
  if (type === HealthCheckType.HTTP) return 'http';
  return type === HealthCheckType.EXEC ? 'exec' : 'tcp';
}

function restartModeFromProto(mode: RestartMode | undefined): RestartPolicy['mode'] {
  if (mode === RestartMode.ALWAYS) return 'always';
  return mode === RestartMode.ON_FAILURE ? 'on-failure' : 'never';
}

/** What a person wants to read, without the allocation. */
export function logRequestFromProto(said: StreamLogsRequest): Omit<LogRequest, 'mayGoOn'> {
  const stream = said.stream === LogStream.STDOUT ? 'stdout' : said.stream === LogStream.STDERR ? 'stderr' : 'both';
  return { follow: said.follow, tailLines: said.tailLines, stream };
}
