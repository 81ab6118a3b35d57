/** A job's specification in the messages of `cell.v1`: conversions both ways. The rest of this package knows no wire. */
import { create } from '@bufbuild/protobuf';
import * as proto from '@cell/proto';
import type * as model from './job-spec.ts';
import { DEFAULT_NAMESPACE } from './names.ts';

const jobTypes: Record<model.JobType, proto.JobType> = {
  service: proto.JobType.SERVICE,
  batch: proto.JobType.BATCH,
  system: proto.JobType.SYSTEM,
};

const constraintOperators: Record<model.ConstraintOperator, proto.ConstraintOperator> = {
  equal: proto.ConstraintOperator.EQUAL,
  'not-equal': proto.ConstraintOperator.NOT_EQUAL,
  in: proto.ConstraintOperator.IN,
  'not-in': proto.ConstraintOperator.NOT_IN,
  exists: proto.ConstraintOperator.EXISTS,
  'not-exists': proto.ConstraintOperator.NOT_EXISTS,
  'at-least': proto.ConstraintOperator.AT_LEAST,
  'at-most': proto.ConstraintOperator.AT_MOST,
};

const healthCheckTypes: Record<model.HealthCheckType, proto.HealthCheckType> = {
  http: proto.HealthCheckType.HTTP,
  tcp: proto.HealthCheckType.TCP,
  exec: proto.HealthCheckType.EXEC,
};

const restartModes: Record<model.RestartMode, proto.RestartMode> = {
  always: proto.RestartMode.ALWAYS,
  'on-failure': proto.RestartMode.ON_FAILURE,
  never: proto.RestartMode.NEVER,
};

const onDisconnects: Record<model.OnDisconnect, proto.OnDisconnect> = {
  keep: proto.OnDisconnect.KEEP,
  stop: proto.OnDisconnect.STOP,
};

const sandboxes: Record<model.Sandbox, proto.Sandbox> = {
  default: proto.Sandbox.DEFAULT,
  strict: proto.Sandbox.STRICT,
  none: proto.Sandbox.NONE,
};

const directoryKinds: Record<model.DirectoryKind, proto.DirectoryKind> = {
  state: proto.DirectoryKind.STATE,
  cache: proto.DirectoryKind.CACHE,
  logs: proto.DirectoryKind.LOGS,
};

/** The message for a specification. */
export function specToProto(spec: model.JobSpec): proto.JobSpec {
  const { health } = spec;
  return create(proto.JobSpecSchema, {
    name: spec.name,
    namespace: spec.namespace,
    type: jobTypes[spec.type],
    count: spec.count,
    command: [...spec.command],
    environment: { ...spec.environment },
    user: spec.user,
    workingDirectory: spec.workingDirectory,
    resources: { ...spec.resources },
    ports: spec.ports.map((port) => ({ ...port })),
    constraints: spec.constraints.map((constraint) => ({
      ...constraint,
      operator: constraintOperators[constraint.operator],
    })),
    ...(health === undefined
      ? {}
      : { health: { ...health, type: healthCheckTypes[health.type], command: [...health.command] } }),
    restart: { ...spec.restart, mode: restartModes[spec.restart.mode] },
    onDisconnect: onDisconnects[spec.onDisconnect],
    stop: { ...spec.stop },
    sandbox: sandboxes[spec.sandbox],
    dynamicUser: spec.dynamicUser,
    limits: { ...spec.limits },
    network: { private: spec.network.private, deny: [...spec.network.deny], allow: [...spec.network.allow] },
    directories: spec.directories.map((kind) => directoryKinds[kind]),
    credentials: { ...spec.credentials },
    secrets: { ...spec.secrets },
    environmentFiles: [...spec.environmentFiles],
    devices: [...spec.devices],
  });
}

/**
 * The specification in a message, which may hold anything that the contract can carry: check it with `validateSpec`.
 * What is absent comes out as zero or empty, and enum values that this version doesn't know as `unknown (number)`;
 * the check refuses both.
 */
export function specFromProto(message: proto.JobSpec): model.JobSpec {
  return {
    name: message.name,
    // Clients from before there were namespaces say nothing about it.
    namespace: message.namespace === '' ? DEFAULT_NAMESPACE : message.namespace,
    type: wordOf(jobTypes, message.type),
    count: message.count,
    command: [...message.command],
    environment: sortedByName(message.environment),
    user: message.user,
    dynamicUser: message.dynamicUser,
    workingDirectory: message.workingDirectory,
    resources: {
      cpuMillis: message.resources?.cpuMillis ?? 0,
      memoryMib: message.resources?.memoryMib ?? 0,
    },
    ports: message.ports.map(({ name, port }) => ({ name, port })),
    constraints: message.constraints.map(({ attribute, operator, value }) => ({
      attribute,
      operator: wordOf(constraintOperators, operator),
      value,
    })),
    health: message.health === undefined ? undefined : healthFromProto(message.health),
    restart: restartFromProto(message.restart),
    onDisconnect: wordOf(onDisconnects, message.onDisconnect),
    stop: { signal: message.stop?.signal ?? '', timeoutMs: message.stop?.timeoutMs ?? 0 },
    // Clients from before there were sandboxes say nothing about it.
    sandbox: message.sandbox === proto.Sandbox.UNSPECIFIED ? 'default' : wordOf(sandboxes, message.sandbox),
    limits: limitsFromProto(message.limits),
    network: {
      private: message.network?.private ?? false,
      deny: [...(message.network?.deny ?? [])],
      allow: [...(message.network?.allow ?? [])],
    },
    directories: message.directories.map((kind) => wordOf(directoryKinds, kind)),
    credentials: sortedByName(message.credentials),
    secrets: sortedByName(message.secrets),
    environmentFiles: [...message.environmentFiles],
    devices: [...message.devices],
  };
}

function healthFromProto(health: proto.HealthCheck): model.HealthCheck {
  return {
    type: wordOf(healthCheckTypes, health.type),
    port: health.port,
    path: health.path,
    command: [...health.command],
    intervalMs: health.intervalMs,
    timeoutMs: health.timeoutMs,
    healthyThreshold: health.healthyThreshold,
    unhealthyThreshold: health.unhealthyThreshold,
    graceMs: health.graceMs,
  };
}

function restartFromProto(restart: proto.RestartPolicy | undefined): model.RestartPolicy {
  return {
    mode: wordOf(restartModes, restart?.mode ?? proto.RestartMode.UNSPECIFIED),
    attempts: restart?.attempts ?? 0,
    windowMs: restart?.windowMs ?? 0,
    delayMs: restart?.delayMs ?? 0,
    delayMaxMs: restart?.delayMaxMs ?? 0,
  };
}

function limitsFromProto(limits: proto.Limits | undefined): model.Limits {
  return {
    memoryMaxMib: limits?.memoryMaxMib ?? 0,
    memoryHighMib: limits?.memoryHighMib ?? 0,
    cpuMaxMillis: limits?.cpuMaxMillis ?? 0,
    cpuWeight: limits?.cpuWeight ?? 0,
    ioWeight: limits?.ioWeight ?? 0,
    tasksMax: limits?.tasksMax ?? 0,
    filesMax: limits?.filesMax ?? 0,
  };
}

/** The word for an enum's number. An unknown one becomes a word that no check lets pass. */
function wordOf<Word extends string>(numbers: Readonly<Record<Word, number>>, number: number): Word {
  const words = Object.keys(numbers) as Word[];
  return words.find((word) => numbers[word] === number) ?? (`unknown (${number})` as Word);
}

/** In one order everywhere, so that equal specifications are equal as JSON too. */
function sortedByName(texts: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).sort(([one], [other]) => (one < other ? -1 : 1)));
}
