/**
 * What the parts of the agent ask of each other and of the world. `start-agent.ts` is where the real clock, disk and
 * network are put in; tests give their own.
 */
import type { ChannelCredentials } from '@grpc/grpc-js';
import type { Isolation, Observed, StopPolicy } from './reconcile/model.ts';

export interface Clock {
  /** Wall clock, milliseconds since 1970: for what outlives the process. */
  wallMs(): number;
  /** Never goes back, never jumps, shared by all processes since the machine's start: for leases and timeouts. */
  monotonicMs(): number;
  /** Calls back every `periodMs`, never catching up; returns how to stop. */
  every(periodMs: number, callback: () => void): () => void;
  /** Calls back once after `delayMs`; returns how to stop. */
  after(delayMs: number, callback: () => void): () => void;
}

/** From 0 up to, not including, 1. */
export type Random = () => number;

/** How connections to members are made safe. Implemented in `identity/`; in tests also by plain text. */
export interface LinkSecurity {
  /** For the next connection: another one after a renewal. Throws `AgentError` while there is none. */
  credentials(): ChannelCredentials;
}

/** Puts the values of allocations' secrets where runtimes find them. Implemented in `secrets/`. */
export interface WorkloadSecrets {
  /** Of an allocation: a file for each of its secrets, once they are prepared. */
  folder(id: string): string;
  /**
   * Gets the values as they are now; before every run. `names`: of the credentials. Rejects with `AgentError`
   * `CELL_E_NO_SECRETS`, which says why.
   */
  prepare(id: string, names: readonly string[]): Promise<void>;
  remove(id: string): Promise<void>;
  /** Removes all but those of these allocations. */
  retain(ids: ReadonlySet<string>): Promise<void>;
}

/** Where diagnostics go; pino's loggers fit. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Runs allocations' commands so that they outlive the agent. All implementations pass `runtime/testing/`. */
export interface Runtime {
  /** For people and for constraints. */
  readonly name: 'process' | 'systemd' | 'memory';
  /** What jobs may ask of it, in the words of `Inventory.capabilities` in model.proto. */
  capabilities(): Promise<readonly string[]>;
  /** Ids of all allocations of which something is kept, also from before this process. */
  known(): readonly string[];
  /** The own folder of an allocation: where its command runs if it names no other place. */
  workFolder(id: string): string;
  /**
   * Starts a run; does nothing if this run was started before. Resolves once it is certain to be observed. Rejects with
   * `AgentError` `CELL_E_CANNOT_RUN` if the command can't be run as it is.
   */
  start(request: RunRequest): Promise<void>;
  /** What is known of that run now. */
  observe(id: string, run: number): Observed;
  /** Signals all processes of the current run's process group; does nothing if none is left. */
  signal(id: string, signal: string): Promise<void>;
  /** SIGKILL to whatever is left of the allocation; resolves once it was sent. */
  kill(id: string): Promise<void>;
  /** What running allocations use, by id. */
  usage(): Promise<ReadonlyMap<string, Usage>>;
  /** Runs a command beside an allocation, with its user, folder and environment; for health checks. */
  runBeside(request: RunRequest, timeoutMs: number): Promise<BesideResult>;
  /**
   * Runs a command in a running allocation, in its cgroup and namespaces and with its user, folder and environment.
   * Ends with one 'exit'. Ends the command when the signal aborts. Rejects with `AgentError`: `CELL_E_UNSUPPORTED`,
   * `CELL_E_NOT_FOUND` (nothing runs), `CELL_E_CANNOT_RUN`.
   */
  exec(request: ExecRequest, input: AsyncIterable<ExecInput>, signal: AbortSignal): AsyncIterable<ExecOutput>;
  /** Output as it was written, the oldest that is kept first. Rejects with `CELL_E_NOT_FOUND` if nothing is kept. */
  readLogs(id: string, request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk>;
  /** Kills what is left and drops all that is kept. */
  remove(id: string): Promise<void>;
  /** Calls back with the id whenever `observe` has something new. */
  onChange(listener: (id: string) => void): void;
  /** Lets go of everything; what runs runs on. */
  close(): Promise<void>;
}

export interface RunRequest {
  readonly id: string;
  /** From 1, counting up. */
  readonly run: number;
  readonly command: readonly string[];
  /** Exactly this and nothing else. */
  readonly environment: Readonly<Record<string, string>>;
  /** Empty: as `isolation` says. */
  readonly user: string;
  /** Empty: a folder of the allocation. */
  readonly workingDirectory: string;
  readonly jobName: string;
  readonly instance: number;
  readonly isolation: Isolation;
  /** Has a file for each of `isolation.secrets`, by its name there; empty if there are none. */
  readonly secretsFolder: string;
  /** For when the machine itself is shut down; else it is the agent that stops a run. */
  readonly stop: StopPolicy;
}

export interface ExecRequest {
  readonly id: string;
  readonly run: number;
  readonly command: readonly string[];
  /** Added to what the run itself has. */
  readonly environment: Readonly<Record<string, string>>;
  /** Undefined: pipes. */
  readonly terminal: ExecTerminal | undefined;
}

export interface ExecTerminal {
  /** For TERM. */
  readonly type: string;
  /** In characters. */
  readonly columns: number;
  readonly rows: number;
}

export type ExecInput =
  | { readonly type: 'data'; readonly data: Uint8Array }
  | { readonly type: 'end' }
  | { readonly type: 'resize'; readonly terminal: ExecTerminal };

export type ExecOutput =
  | { readonly type: 'stdout' | 'stderr'; readonly data: Uint8Array }
  /** 128 + n for signal n. */
  | { readonly type: 'exit'; readonly exitCode: number };

export interface Usage {
  /** Since the start of the processes that run now. */
  readonly cpuTimeMs: number;
  readonly memoryBytes: number;
  readonly processes: number;
  readonly readAtMs: number;
  /** Undefined here and below: this machine can't tell. */
  readonly ioReadBytes?: number;
  readonly ioWriteBytes?: number;
  /** Hundredths of a percent of the last ten seconds in which some processes waited. */
  readonly pressure?: { readonly cpu: number; readonly memory: number; readonly io: number };
  readonly oomKills?: number;
}

export interface BesideResult {
  /** Undefined if it did not end in time. */
  readonly exitCode: number | undefined;
  /** The end of what it wrote, or why it could not be run. */
  readonly output: string;
}

export interface LogRequest {
  readonly follow: boolean;
  /** Last lines of each stream to begin with; undefined: all that is kept. */
  readonly tailLines: number | undefined;
  readonly stream: 'both' | LogStreamName;
  /** Only what was written since then, milliseconds since 1970; undefined: all. */
  readonly sinceMs?: number;
  /** Go on after what came with this cursor; then neither `tailLines` nor `sinceMs` counts. */
  readonly cursor?: string;
  /** Whether another run may follow the one that has ended: then a follower waits on. */
  readonly mayGoOn: () => boolean;
}

export type LogStreamName = 'stdout' | 'stderr';

export interface LogChunk {
  readonly stream: LogStreamName;
  readonly data: Uint8Array;
  /** Where to go on after this; undefined: this runtime can't. */
  readonly cursor?: string;
}
