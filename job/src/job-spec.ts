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
export type Sandbox = 'default' | 'strict' | 'none';
export type DirectoryKind = 'state' | 'cache' | 'logs';

export interface JobSpec {
  /** Identity in the fleet: lower-case letters, digits and "-", 1 to 63 characters. */
  readonly name: string;
  /** Whom it belongs to; tokens may be limited to one. Stays the same for as long as the job is there. */
  readonly namespace: string;
  readonly type: JobType;
  /** Instances wanted, 1 to 10,000; 0 for system jobs. */
  readonly count: number;
  /** Program and arguments; no shell. `${CELL_…}` is replaced by the agent. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Empty: one made for the instance, or the agent's own where that can't be done or the sandbox is 'none'. */
  readonly user: string;
  /** Insist on a user made for the instance; never together with `user`. */
  readonly dynamicUser: boolean;
  /** Absolute; empty: the allocation's own folder. */
  readonly workingDirectory: string;
  readonly resources: ResourceRequest;
  readonly ports: readonly PortRequest[];
  readonly constraints: readonly Constraint[];
  readonly health: HealthCheck | undefined;
  readonly restart: RestartPolicy;
  readonly onDisconnect: OnDisconnect;
  readonly stop: StopPolicy;
  /** 'default': what fits the type, as far as the node can; 'strict' is refused where it can't be had. */
  readonly sandbox: Sandbox;
  readonly limits: Limits;
  readonly network: NetworkAccess;
  /** Each at most once. */
  readonly directories: readonly DirectoryKind[];
  /** Names of credentials, and of the files in the node's folder of secrets that hold them. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Names of credentials, and of the secrets of the job's namespace that they hold; none that `credentials` has too. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Names of files in the node's folder of secrets. */
  readonly environmentFiles: readonly string[];
  /** "PATH:ACCESS", such as "/dev/kvm:rw". */
  readonly devices: readonly string[];
}

/** What an instance may not go beyond; 0: no limit, or the system's own value. */
export interface Limits {
  readonly memoryMaxMib: number;
  readonly memoryHighMib: number;
  /** Thousandths of a core. */
  readonly cpuMaxMillis: number;
  /** 1 to 10,000; the system's own is 100. */
  readonly cpuWeight: number;
  /** 1 to 10,000; the system's own is 100. */
  readonly ioWeight: number;
  readonly tasksMax: number;
  readonly filesMax: number;
}

export interface NetworkAccess {
  /** Nothing but a loopback interface of its own. */
  readonly private: boolean;
  /** "any", "localhost", "link-local", "multicast", "ADDRESS" or "ADDRESS/BITS". */
  readonly deny: readonly string[];
  readonly allow: readonly string[];
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
