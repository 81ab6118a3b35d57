import {
  DesiredState,
  DirectoryKind,
  type ExecStart,
  HealthCheckType,
  type JobSpec,
  JobType,
  LogStream,
  OnDisconnect,
  RestartMode,
  type DesiredAllocation as SaidAllocation,
  type DesiredAllocations as SaidAllocations,
  type ExecInput as SaidExecInput,
  type ExecTerminal as SaidExecTerminal,
  type HealthCheck as SaidHealthCheck,
  type Limits as SaidLimits,
  Sandbox,
  type StreamLogsRequest,
} from '@cell/proto';
import type { DesiredChange } from '../execute/allocation-manager.ts';
import type { ExecInput, ExecRequest, ExecTerminal, LogRequest } from '../ports.ts';
import type { DesiredAllocation, HealthCheck, Isolation, Limits, RestartPolicy } from '../reconcile/model.ts';

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
    isolation: isolationFromProto(spec),
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

function isolationFromProto(spec: JobSpec | undefined): Isolation {
  return {
    jobType: JOB_TYPES.get(spec?.type ?? JobType.SERVICE) ?? 'service',
    // A sandbox that this version does not know can only be stricter than what it does know.
    sandbox: SANDBOXES.get(spec?.sandbox || Sandbox.DEFAULT) ?? 'strict',
    dynamicUser: spec?.dynamicUser ?? false,
    limits: limitsFromProto(spec?.limits),
    network: {
      private: spec?.network?.private ?? false,
      deny: spec?.network?.deny ?? [],
      allow: spec?.network?.allow ?? [],
    },
    directories: (spec?.directories ?? []).flatMap((kind) => DIRECTORIES.get(kind) ?? []),
    credentials: { ...spec?.credentials },
    secrets: { ...spec?.secrets },
    environmentFiles: spec?.environmentFiles ?? [],
    devices: spec?.devices ?? [],
  };
}

function limitsFromProto(said: SaidLimits | undefined): Limits {
  return {
    memoryMaxMib: said?.memoryMaxMib ?? 0,
    memoryHighMib: said?.memoryHighMib ?? 0,
    cpuMaxMillis: said?.cpuMaxMillis ?? 0,
    cpuWeight: said?.cpuWeight ?? 0,
    ioWeight: said?.ioWeight ?? 0,
    tasksMax: said?.tasksMax ?? 0,
    filesMax: said?.filesMax ?? 0,
  };
}

const JOB_TYPES: ReadonlyMap<number, Isolation['jobType']> = new Map([
  [JobType.SERVICE, 'service'],
  [JobType.BATCH, 'batch'],
  [JobType.SYSTEM, 'system'],
]);
const SANDBOXES: ReadonlyMap<number, Isolation['sandbox']> = new Map([
  [Sandbox.DEFAULT, 'default'],
  [Sandbox.STRICT, 'strict'],
  [Sandbox.NONE, 'none'],
]);
const DIRECTORIES: ReadonlyMap<number, Isolation['directories'][number]> = new Map([
  [DirectoryKind.STATE, 'state'],
  [DirectoryKind.CACHE, 'cache'],
  [DirectoryKind.LOGS, 'logs'],
]);

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
  const { follow, tailLines, since, cursor } = said;
  const sinceMs = since === undefined ? undefined : Number(since.seconds) * 1_000 + since.nanos / 1_000_000;
  return {
    follow,
    tailLines,
    stream,
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(cursor === '' ? {} : { cursor }),
  };
}

/** What a person wants to run; the run of the allocation is the one that there is. */
export function execRequestFromProto(said: ExecStart | undefined): Omit<ExecRequest, 'run'> {
  const { allocationId: id = '', command = [], terminal } = said ?? {};
  return { id, command, environment: {}, terminal: terminal === undefined ? undefined : terminalFromProto(terminal) };
}

/** Undefined for what only a newer member says. */
export function execInputFromProto(said: SaidExecInput | undefined): ExecInput | undefined {
  switch (said?.input.case) {
    case 'data':
      return { type: 'data', data: said.input.value };
    case 'end':
      return { type: 'end' };
    case 'resize':
      return { type: 'resize', terminal: terminalFromProto(said.input.value) };
    default:
      return undefined;
  }
}

function terminalFromProto({ type, columns, rows }: SaidExecTerminal): ExecTerminal {
  return { type, columns, rows };
}
