/**
 * The client of the control plane: typed calls that go to any member, and to the next one when a member is gone.
 * Reads are tried again freely. A change is tried again only if it certainly did not begin, or if doing it twice is
 * the same as doing it once.
 */
import type { MessageShape } from '@bufbuild/protobuf';
import {
  AllocationService,
  ControlPlaneService,
  callUnary,
  DrillService,
  type ExecOutput,
  FleetService,
  JobService,
  NodeService,
  type Outgoing,
  type StreamLogsResponse,
} from '@cell/proto';
import { Metadata } from '@grpc/grpc-js';
import { isRepeatable, mayTryElsewhere, pauseBeforeRound } from './call-policy.ts';
import { CellApiError, toCellApiError, unreachable } from './cell-api-error.ts';
import { type CommandStream, openCommandStream } from './command-stream.ts';
import { memberChannels } from './member-channels.ts';
import { type LogsOptions, type LogsRequest, readLogs } from './read-logs.ts';
import { readStream } from './read-stream.ts';
import { beginExec, type ExecInput, type ExecStart } from './run-exec.ts';
import {
  type Caller,
  type CallOptions,
  type ServiceClient,
  type StreamingMethod,
  serviceClient,
  type UnaryMethod,
} from './service-client.ts';

export interface ConnectOptions {
  /** "host:port" of members, at least one; tried in this order, beginning with the one that answered last. */
  readonly addresses: readonly string[];
  /** For one call, all attempts together. */
  readonly timeoutMs: number;
}

/** Every method rejects with `CellApiError`, or with the signal's reason once it is aborted. */
export interface CellClient {
  readonly fleet: ServiceClient<typeof FleetService>;
  readonly nodes: ServiceClient<typeof NodeService>;
  readonly jobs: ServiceClient<typeof JobService>;
  readonly allocations: ServiceClient<typeof AllocationService>;
  readonly controlPlane: ServiceClient<typeof ControlPlaneService>;
  readonly drills: ServiceClient<typeof DrillService>;
  /** Any method by its descriptor; the services above are made of these two. */
  call<M extends UnaryMethod>(
    method: M,
    request: Outgoing<M['input']>,
    options?: CallOptions,
  ): Promise<MessageShape<M['output']>>;
  /** Ends when the server ends the stream, the caller stops reading, or the signal is aborted. */
  stream<M extends StreamingMethod>(
    method: M,
    request: Outgoing<M['input']>,
    options?: CallOptions,
  ): AsyncIterable<MessageShape<M['output']>>;
  /**
   * Runs a command in an allocation: gives what it writes, and last its exit code. The command ends when the caller
   * stops reading or the signal is aborted. Its standard input ends with an input that says so, not with the iterable.
   */
  exec(start: ExecStart, input: AsyncIterable<ExecInput>, options?: CallOptions): AsyncIterable<ExecOutput>;
  /** Output of an allocation; after a break it goes on by itself where it stopped, if its node can do that. */
  readLogs(request: LogsRequest, options?: LogsOptions): AsyncIterable<StreamLogsResponse>;
  /** Opens a stream for many changes, to the first member that can be reached. */
  openCommandStream(options?: CallOptions): Promise<CommandStream>;
  /** The member that is asked next: the one that answered last. */
  readonly address: string;
  close(): void;
}

/** One member gets at most this long, and half of what is left, while others may be asked the same. */
const ATTEMPT_MS_MAX = 3_000;

/** Makes a client; connects when it is first used. */
export function connect(options: ConnectOptions): CellClient {
  const { addresses } = options;
  if (addresses.length === 0) throw new CellApiError('CELL_E_INVALID', 'No control-plane address given', false);
  const channels = memberChannels();
  let current = 0;

  /** Makes attempts at one member after the other, until one succeeds or none may follow. */
  async function attempt<T>(
    repeatable: boolean,
    callOptions: CallOptions,
    work: (address: string, timeoutMs: number) => Promise<T>,
  ): Promise<T> {
    const deadlineMs = performance.now() + (callOptions.timeoutMs ?? options.timeoutMs);
    let last: Error | undefined;
    let reachedAny = false;
    const attemptsMax = callOptions.attemptsMax ?? Number.POSITIVE_INFINITY;
    for (let made = 0; made < attemptsMax; made += 1) {
      if (made > 0 && made % addresses.length === 0) {
        const pauseMs = pauseBeforeRound(made / addresses.length, reachedAny);
        if (pauseMs === undefined) break;
        await pause(Math.min(pauseMs, deadlineMs - performance.now()), callOptions.signal);
      }
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) break;
      const index = current;
      const address = addresses[index] as string;
      try {
        const shared = repeatable && addresses.length > 1;
        return await work(address, shared ? Math.min(leftMs / 2, ATTEMPT_MS_MAX) : leftMs);
      } catch (error) {
        if (callOptions.signal?.aborted === true) throw error;
        last = toCellApiError(error, address);
        if (!mayTryElsewhere(last, repeatable)) throw last;
        if (!isUnreachable(last)) reachedAny = true;
        // Unless a call beside this one has moved on already.
        if (current === index) current = (index + 1) % addresses.length;
      }
    }
    if (last === undefined) throw new CellApiError('CELL_E_TIMEOUT', 'The call was given no time', false);
    throw reachedAny ? last : unreachable(addresses, last);
  }

  const call = <M extends UnaryMethod>(method: M, request: Outgoing<M['input']>, callOptions: CallOptions = {}) => {
    const repeatable = callOptions.repeatable ?? isRepeatable(method, request);
    return attempt(repeatable, callOptions, (address, timeoutMs) => {
      const deadline = new Date(Date.now() + timeoutMs);
      const channel = channels.to(address);
      return callUnary(channel, method, request, new Metadata(), { deadline }, callOptions.signal);
    });
  };

  async function* stream<M extends StreamingMethod>(
    method: M,
    request: Outgoing<M['input']>,
    callOptions: CallOptions = {},
  ): AsyncGenerator<MessageShape<M['output']>> {
    // Until the first message nothing was seen, so that the stream can begin anew elsewhere.
    let open: AsyncGenerator<MessageShape<M['output']>> | undefined;
    let openAddress = '';
    const first = await attempt(true, callOptions, async (address, timeoutMs) => {
      const channel = await channels.ready(address, timeoutMs);
      openAddress = address;
      open = readStream(channel, method, request, callOptions.signal);
      return open.next();
    });
    if (open === undefined || first.done === true) return;
    try {
      yield first.value;
      yield* open;
    } catch (error) {
      throw toCellApiError(error, openAddress);
    } finally {
      await open.return(undefined);
    }
  }

  async function* exec(start: ExecStart, input: AsyncIterable<ExecInput>, callOptions: CallOptions = {}) {
    let openAddress = '';
    // What may have begun is not begun again elsewhere: a command may do anything.
    const begun = await attempt(false, callOptions, async (address, timeoutMs) => {
      openAddress = address;
      const waitMs = addresses.length > 1 ? Math.min(timeoutMs, ATTEMPT_MS_MAX) : timeoutMs;
      return beginExec(await channels.ready(address, waitMs), start, callOptions.signal);
    });
    try {
      yield* begun.outputs(input);
    } catch (error) {
      throw toCellApiError(error, openAddress);
    }
  }

  const logs = (request: LogsRequest, callOptions: LogsOptions = {}) => {
    const read = (asked: LogsRequest, asking: CallOptions) =>
      stream(AllocationService.method.streamLogs, asked, asking);
    return readLogs({ stream: read, monotonicMs: () => performance.now(), pause }, request, callOptions);
  };

  const openCommands = (callOptions: CallOptions = {}) =>
    attempt(true, callOptions, async (address, timeoutMs) => {
      return openCommandStream(await channels.ready(address, timeoutMs), address);
    });

  const caller = { call, stream } as unknown as Caller;
  return {
    fleet: serviceClient(FleetService, caller),
    nodes: serviceClient(NodeService, caller),
    jobs: serviceClient(JobService, caller),
    allocations: serviceClient(AllocationService, caller),
    controlPlane: serviceClient(ControlPlaneService, caller),
    drills: serviceClient(DrillService, caller),
    call,
    stream,
    exec,
    readLogs: logs,
    openCommandStream: openCommands,
    get address() {
      return addresses[current] as string;
    },
    close: () => channels.close(),
  };
}

function isUnreachable(error: Error): boolean {
  return error instanceof CellApiError && error.code === 'CELL_E_UNREACHABLE';
}

function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      },
      Math.max(0, delayMs),
    );
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
