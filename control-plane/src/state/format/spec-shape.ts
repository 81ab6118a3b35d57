import {
  type Constraint,
  DEFAULT_NAMESPACE,
  type HealthCheck,
  type JobSpec,
  type Limits,
  type NetworkAccess,
  type PortRequest,
  type ResourceRequest,
} from '@cell/job';
import { amount, list, object, oneOf, optional, record, type Shape, text, truth, withDefault } from './shape.ts';

const noLimits: Limits = {
  memoryMaxMib: 0,
  memoryHighMib: 0,
  cpuMaxMillis: 0,
  cpuWeight: 0,
  ioWeight: 0,
  tasksMax: 0,
  filesMax: 0,
};
const anyNetwork: NetworkAccess = { private: false, deny: [], allow: [] };

/**
 * The form of a job's specification in the log and in snapshots. Only the form: whether the content makes sense was
 * checked where it came in (@cell/job), with messages for people. Earlier versions stored none of what stands after
 * `stop`; the defaults are those of a job file that says nothing about it, so that submitting it again changes nothing.
 */
export const specShape: Shape<JobSpec> = object<JobSpec>({
  name: text,
  type: oneOf('service', 'batch', 'system'),
  count: amount,
  command: list(text),
  environment: record(text),
  user: text,
  workingDirectory: text,
  resources: object<ResourceRequest>({ cpuMillis: amount, memoryMib: amount }),
  ports: list(object<PortRequest>({ name: text, port: amount })),
  constraints: list(
    object<Constraint>({
      attribute: text,
      operator: oneOf('equal', 'not-equal', 'in', 'not-in', 'exists', 'not-exists', 'at-least', 'at-most'),
      value: text,
    }),
  ),
  health: optional(
    object<HealthCheck>({
      type: oneOf('http', 'tcp', 'exec'),
      port: text,
      path: text,
      command: list(text),
      intervalMs: amount,
      timeoutMs: amount,
      healthyThreshold: amount,
      unhealthyThreshold: amount,
      graceMs: amount,
    }),
  ),
  restart: object<JobSpec['restart']>({
    mode: oneOf('always', 'on-failure', 'never'),
    attempts: amount,
    windowMs: amount,
    delayMs: amount,
    delayMaxMs: amount,
  }),
  onDisconnect: oneOf('keep', 'stop'),
  stop: object<JobSpec['stop']>({ signal: text, timeoutMs: amount }),
  sandbox: withDefault(oneOf('default', 'strict', 'none'), 'default'),
  dynamicUser: withDefault(truth, false),
  limits: withDefault(
    object<Limits>({
      memoryMaxMib: amount,
      memoryHighMib: amount,
      cpuMaxMillis: amount,
      cpuWeight: amount,
      ioWeight: amount,
      tasksMax: amount,
      filesMax: amount,
    }),
    noLimits,
  ),
  network: withDefault(object<NetworkAccess>({ private: truth, deny: list(text), allow: list(text) }), anyNetwork),
  directories: withDefault(list(oneOf('state', 'cache', 'logs')), []),
  credentials: withDefault(record(text), {}),
  environmentFiles: withDefault(list(text), []),
  devices: withDefault(list(text), []),
  namespace: withDefault(text, DEFAULT_NAMESPACE),
  secrets: withDefault(record(text), {}),
});

/** Fields in a fixed order, so that equal specifications are equal as JSON. */
export function canonicalSpec(spec: JobSpec): JobSpec {
  return specShape(spec, 'spec');
}

/** Whether two specifications in canonical form are the same. */
export function sameSpec(one: JobSpec, other: JobSpec): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

/** Whether an instance of the one may run on as an instance of the other: they differ in `count` at most. */
export function sameRun(one: JobSpec, other: JobSpec): boolean {
  return sameSpec({ ...one, count: 0 }, { ...other, count: 0 });
}
