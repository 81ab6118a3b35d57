/**
 * What the agent knows of an allocation, as plain data. Lengths of time are whole milliseconds; points in time are
 * milliseconds since 1970, since they outlive the process that wrote them.
 */

export type AllocationState =
  | 'pending'
  | 'starting'
  | 'running'
  | 'healthy'
  | 'unhealthy'
  | 'complete'
  | 'failed'
  | 'stopped';

/** What the control plane wants of one allocation. Immutable but for `desired`. */
export interface DesiredAllocation {
  readonly id: string;
  readonly jobName: string;
  readonly jobVersion: number;
  readonly instance: number;
  readonly desired: 'run' | 'stop';
  /** Program and arguments, `${CELL_…}` not yet replaced. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Empty: as `isolation` says. */
  readonly user: string;
  /** Absolute; empty: the allocation's own folder. */
  readonly workingDirectory: string;
  readonly isolation: Isolation;
  /** Numbers by name. */
  readonly ports: Readonly<Record<string, number>>;
  /** Null: healthy once its process has run for `SETTLE_MS`. */
  readonly health: HealthCheck | null;
  readonly restart: RestartPolicy;
  readonly stop: StopPolicy;
  readonly onDisconnect: 'keep' | 'stop';
}

/** What an instance may not do and not go beyond. How much of it is enforced, the runtime says as capabilities. */
export interface Isolation {
  readonly jobType: 'service' | 'batch' | 'system';
  /** 'default': what fits the type of the job, as far as the node can. */
  readonly sandbox: 'default' | 'strict' | 'none';
  /** Insist on a user made for the instance. */
  readonly dynamicUser: boolean;
  readonly limits: Limits;
  readonly network: {
    /** Nothing but a loopback interface of its own. */
    readonly private: boolean;
    /** "any", "localhost", "link-local", "multicast", "ADDRESS" or "ADDRESS/BITS". */
    readonly deny: readonly string[];
    readonly allow: readonly string[];
  };
  readonly directories: readonly ('state' | 'cache' | 'logs')[];
  /** Names of credentials, and of the files in the node's folder of secrets that hold them. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Names of credentials, and of the fleet's secrets that they hold. Absent in what an older version stored. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Names of files in the node's folder of secrets. */
  readonly environmentFiles: readonly string[];
  /** "PATH:ACCESS", such as "/dev/kvm:rw". */
  readonly devices: readonly string[];
}

/** 0: no limit, or the system's own value. */
export interface Limits {
  readonly memoryMaxMib: number;
  readonly memoryHighMib: number;
  /** Thousandths of a core. */
  readonly cpuMaxMillis: number;
  readonly cpuWeight: number;
  readonly ioWeight: number;
  readonly tasksMax: number;
  readonly filesMax: number;
}

export interface HealthCheck {
  readonly type: 'http' | 'tcp' | 'exec';
  /** Name of a port; for http and tcp. */
  readonly port: string;
  /** For http. */
  readonly path: string;
  /** For exec. */
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  readonly graceMs: number;
}

export interface RestartPolicy {
  readonly mode: 'always' | 'on-failure' | 'never';
  /** Restarts within the window until the allocation counts as failed. */
  readonly attempts: number;
  readonly windowMs: number;
  /** Before the first restart of a window; doubled each time, up to `delayMaxMs`. */
  readonly delayMs: number;
  readonly delayMaxMs: number;
}

export interface StopPolicy {
  /** Name of the signal, such as "SIGTERM". */
  readonly signal: string;
  /** Until SIGKILL. */
  readonly timeoutMs: number;
}

/** What the agent remembers of an allocation; kept on disk. */
export interface AllocationRecord {
  readonly state: AllocationState;
  /** A sentence: why it is in this state. */
  readonly message: string;
  /** Which of its runs is the current one, from 1; 0 before the first. */
  readonly run: number;
  /** Runs after the first that were begun. */
  readonly restarts: number;
  /** When restarts of the current window were decided; at most `attempts` of them. */
  readonly restartsAtMs: readonly number[];
  /** When the next run is due; null if none is. */
  readonly startAtMs: number | null;
  /** Of the last run that ended; 128 + n for signal n; null while none has ended, or where it is not known. */
  readonly exitCode: number | null;
  /** Set from the first signal until the process has ended. */
  readonly stopping: Stopping | null;
  /** Without a health check: when the current run, which has just begun, counts as healthy; null before and after. */
  readonly settlesAtMs: number | null;
}

export interface Stopping {
  readonly sinceMs: number;
  /** A clause that follows "Stopped: ". */
  readonly reason: string;
  /** What follows once it has ended. */
  readonly next: 'stopped' | 'restart';
}

/** What the runtime sees of the current run. */
export type Observed =
  | { readonly state: 'none' }
  | { readonly state: 'starting' }
  | { readonly state: 'running' }
  | Ended;

export interface Ended {
  readonly state: 'ended';
  /** Undefined if it can't be known: its supervisor was killed, or the machine was started again. */
  readonly exitCode: number | undefined;
  /** A sentence, if the command could not be run at all, else empty. */
  readonly cannotRun: string;
  /** A sentence on an end that the exit code does not explain, else empty. */
  readonly message: string;
}

/** What the health checks of the current run say. */
export interface HealthVerdict {
  /** `failed`: so often in a row, past the grace, that the allocation must be restarted. */
  readonly state: 'unknown' | 'healthy' | 'failed';
  /** A clause on the last check, such as "GET / answered 503". */
  readonly message: string;
}

export const NEW_RECORD: AllocationRecord = {
  state: 'pending',
  message: 'Received, not started yet',
  run: 0,
  restarts: 0,
  restartsAtMs: [],
  startAtMs: null,
  exitCode: null,
  stopping: null,
  settlesAtMs: null,
};

/** Final states never change again. */
export function isFinal(state: AllocationState): boolean {
  return state === 'complete' || state === 'failed' || state === 'stopped';
}
