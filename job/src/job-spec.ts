/**
 * What should run, as everyone in Cell sees it: the checked content of a job file with all defaults filled in.
 * Plain immutable data; compared and stored as JSON. Lengths of time are whole milliseconds.
 */

export type JobType = 'service' | 'batch' | 'system';
export type ConstraintOperator =
  | 'equal'
  | 'not-equal'
  | 'in'
  | 'not-in'
  | 'exists'
  | 'not-exists'
  | 'at-least'
  | 'at-most';
export type HealthCheckType = 'http' | 'tcp' | 'exec';
export type RestartMode = 'always' | 'on-failure' | 'never';
export type OnDisconnect = 'keep' | 'stop';

export interface JobSpec {
  /** Identity in the fleet: lower-case letters, digits and "-", 1 to 63 characters. */
  readonly name: string;
  readonly type: JobType;
  /** Instances wanted, 1 to 10,000; 0 for system jobs. */
  readonly count: number;
  /** Program and arguments; no shell. `${CELL_…}` is replaced by the agent. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Empty: the user that the agent runs as. */
  readonly user: string;
  /** Absolute; empty: the allocation's own folder. */
  readonly workingDirectory: string;
  readonly resources: ResourceRequest;
  readonly ports: readonly PortRequest[];
  readonly constraints: readonly Constraint[];
  readonly health: HealthCheck | undefined;
  readonly restart: RestartPolicy;
  readonly onDisconnect: OnDisconnect;
  readonly stop: StopPolicy;
}

export interface ResourceRequest {
  /** Thousandths of a core. */
  readonly cpuMillis: number;
  readonly memoryMib: number;
}

export interface PortRequest {
  readonly name: string;
  /** 0: one is given out from the node's range. */
  readonly port: number;
}

export interface Constraint {
  readonly attribute: string;
  readonly operator: ConstraintOperator;
  /** Comma-separated for `in` and `not-in`; empty for `exists` and `not-exists`. */
  readonly value: string;
}

export interface HealthCheck {
  readonly type: HealthCheckType;
  /** Name of one of `ports`; for http and tcp, else empty. */
  readonly port: string;
  /** For http, else empty. */
  readonly path: string;
  /** For exec, else empty. */
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  readonly graceMs: number;
}

export interface RestartPolicy {
  readonly mode: RestartMode;
  /** Restarts within `windowMs` until the instance counts as failed. */
  readonly attempts: number;
  readonly windowMs: number;
  /** Before the first restart; doubled each time up to `delayMaxMs`. */
  readonly delayMs: number;
  readonly delayMaxMs: number;
}

export interface StopPolicy {
  readonly signal: string;
  readonly timeoutMs: number;
}
