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
  IdentityService,
  JobService,
  NodeService,
  type Outgoing,
  SecretService,
  type StreamLogsResponse,
} from '@cell/proto';
import { ATTEMPT_MS_MAX, makeAttempts, pause } from './attempts.ts';
import { isRepeatable } from './call-policy.ts';
import { CellApiError, toCellApiError } from './cell-api-error.ts';
import { type ClientSecurity, clientSecurity, type Identity } from './client-identity.ts';
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

/** Where a control plane is. */
export interface MembersOptions {
  /** "host:port" of members, at least one; tried in this order, beginning with the one that answered last. */
  readonly addresses: readonly string[];
  /** For one call, all attempts together. */
  readonly timeoutMs: number;
}

export interface ConnectOptions extends MembersOptions {
  /** Who calls, and whom it trusts. */
  readonly identity: Identity;
}

/** Every method rejects with `CellApiError`, or with the signal's reason once it is aborted. */
export interface CellClient {
  readonly fleet: ServiceClient<typeof FleetService>;
  readonly nodes: ServiceClient<typeof NodeService>;
  readonly jobs: ServiceClient<typeof JobService>;
  readonly allocations: ServiceClient<typeof AllocationService>;
  readonly controlPlane: ServiceClient<typeof ControlPlaneService>;
  readonly drills: ServiceClient<typeof DrillService>;
  readonly identity: ServiceClient<typeof IdentityService>;
  readonly secrets: ServiceClient<typeof SecretService>;
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

/** Makes a client; connects when it is first used. Throws `CellApiError` if the identity is none. */
export function connect({ identity, ...options }: ConnectOptions): CellClient {
  return connectOver(options, clientSecurity(identity));
}

/** As `connect`, with connections secured in any way. */
export function connectOver(options: MembersOptions, security: ClientSecurity): CellClient {
  const { addresses } = options;
  if (addresses.length === 0) throw new CellApiError('CELL_E_INVALID', 'No control-plane address given', false);
  const channels = memberChannels(security);
  const attempts = makeAttempts(addresses, options.timeoutMs);

  const call = <M extends UnaryMethod>(method: M, request: Outgoing<M['input']>, callOptions: CallOptions = {}) => {
    const repeatable = callOptions.repeatable ?? isRepeatable(method, request);
    return attempts.make(repeatable, callOptions, async (address, timeoutMs) => {
      const deadline = new Date(Date.now() + timeoutMs);
      const channel = await channels.to(address, timeoutMs);
      return callUnary(channel, method, request, security.metadata(), { deadline }, callOptions.signal);
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
    const first = await attempts.make(true, callOptions, async (address, timeoutMs) => {
      const channel = await channels.ready(address, timeoutMs);
      openAddress = address;
      open = readStream(channel, method, request, security.metadata(), callOptions.signal);
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
    const begun = await attempts.make(false, callOptions, async (address, timeoutMs) => {
      openAddress = address;
      const waitMs = addresses.length > 1 ? Math.min(timeoutMs, ATTEMPT_MS_MAX) : timeoutMs;
      return beginExec(await channels.ready(address, waitMs), start, security.metadata(), callOptions.signal);
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
    attempts.make(true, callOptions, async (address, timeoutMs) => {
      return openCommandStream(await channels.ready(address, timeoutMs), address, security.metadata());
    });

  const caller = { call, stream } as unknown as Caller;
  return {
    fleet: serviceClient(FleetService, caller),
    nodes: serviceClient(NodeService, caller),
    jobs: serviceClient(JobService, caller),
    allocations: serviceClient(AllocationService, caller),
    controlPlane: serviceClient(ControlPlaneService, caller),
    drills: serviceClient(DrillService, caller),
    identity: serviceClient(IdentityService, caller),
    secrets: serviceClient(SecretService, caller),
    call,
    stream,
    exec,
    readLogs: logs,
    openCommandStream: openCommands,
    get address() {
      return attempts.address;
    },
    close: () => channels.close(),
  };
}
