/**
 * The client of the control plane: typed calls that go to any member, and to the next one when a member is gone.
 * Reads are tried again freely. A change is tried again only if it certainly did not begin, or if doing it twice is
 * the same as doing it once.
 */

import type { DescMethod, MessageShape } from '@bufbuild/protobuf';
import {
  type AllocationService,
  type ControlPlaneService,
  callUnary,
  type DrillService,
  type FleetService,
  type JobService,
  methodDefinition,
  type NodeService,
  type Outgoing,
} from '@cell/proto';
import { Client, type ClientReadableStream, credentials, Metadata } from '@grpc/grpc-js';
import { CellApiError, toCellApiError } from './cell-api-error.ts';

export interface ConnectOptions {
  /** "host:port" of members, at least one; tried in this order, beginning with the one that answered last. */
  readonly addresses: readonly string[];
  /** For one call, all attempts together. */
  readonly timeoutMs: number;
}

type OperatorService =
  | typeof FleetService
  | typeof NodeService
  | typeof JobService
  | typeof AllocationService
  | typeof ControlPlaneService
  | typeof DrillService;

export type OperatorMethod = OperatorService['method'][keyof OperatorService['method']] | DescMethod;
type UnaryMethod = DescMethod & { methodKind: 'unary' };
type StreamingMethod = DescMethod & { methodKind: 'server_streaming' };

export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** The call may be made twice without harm; default: true for methods named get…, list…, plan…, stream…. */
  readonly repeatable?: boolean;
}

export interface CellClient {
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
  /** The member that answered last. */
  readonly address: string;
  close(): void;
}

/** Back-off of the channel, so that a member that came back is found soon. */
const CHANNEL_OPTIONS = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.use_local_subchannel_pool': 1,
  // Loopback and fleet addresses are never behind a web proxy.
  'grpc.enable_http_proxy': 0,
} as const;

/** Rounds through all members that one repeatable call may make. */
const ROUNDS_MAX = 3;
/** One member gets at most this share of the call's time while others are left to ask. */
const ATTEMPT_MS_MAX = 5_000;
/** Codes after which another member may well do better. */
const TRY_NEXT: ReadonlySet<string> = new Set([
  'CELL_E_UNREACHABLE',
  'CELL_E_CONNECTION_LOST',
  'CELL_E_TIMEOUT',
  'CELL_E_NO_LEADER',
]);
/** After these, nothing was begun: a change may be tried elsewhere too. */
const NOT_BEGUN: ReadonlySet<string> = new Set(['CELL_E_UNREACHABLE', 'CELL_E_NO_LEADER']);

/** Makes a client; connects when it is first used. */
export function connect(options: ConnectOptions): CellClient {
  if (options.addresses.length === 0) throw new CellApiError('CELL_E_INVALID', 'No control-plane address given', false);
  const clients = new Map<string, Client>();
  let current = 0;

  const clientFor = (address: string): Client => {
    const known = clients.get(address);
    if (known !== undefined) return known;
    const made = new Client(address, credentials.createInsecure(), CHANNEL_OPTIONS);
    clients.set(address, made);
    return made;
  };
  const addressNow = () => options.addresses[current % options.addresses.length] as string;

  return {
    get address() {
      return addressNow();
    },
    async call(method, request, callOptions = {}) {
      const repeatable = callOptions.repeatable ?? isRead(method);
      const deadlineMs = performance.now() + (callOptions.timeoutMs ?? options.timeoutMs);
      const attemptsMax = options.addresses.length * (repeatable ? ROUNDS_MAX : 1);
      let last: Error | undefined;
      for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
        const leftMs = deadlineMs - performance.now();
        if (leftMs <= 0) break;
        const address = addressNow();
        const attemptMs = repeatable && options.addresses.length > 1 ? Math.min(leftMs, ATTEMPT_MS_MAX) : leftMs;
        try {
          const deadline = new Date(Date.now() + attemptMs);
          return await callUnary(clientFor(address), method, request, new Metadata(), { deadline }, callOptions.signal);
        } catch (error) {
          if (callOptions.signal?.aborted === true) throw error;
          last = toCellApiError(error, address);
          if (!mayTryNext(last, repeatable)) throw last;
          current += 1;
        }
      }
      throw last ?? new CellApiError('CELL_E_TIMEOUT', 'The call was given no time', false);
    },
    async *stream(method, request, callOptions = {}) {
      const address = await firstReachable(options.addresses, current, clientFor, options.timeoutMs);
      current = options.addresses.indexOf(address);
      yield* readStream(clientFor(address), method, request, address, callOptions.signal);
    },
    close() {
      for (const client of clients.values()) client.close();
      clients.clear();
    },
  };
}

function isRead(method: DescMethod): boolean {
  return /^(get|list|plan|stream)/.test(method.localName);
}

function mayTryNext(error: Error, repeatable: boolean): boolean {
  if (!(error instanceof CellApiError) || !TRY_NEXT.has(error.code)) return false;
  return repeatable || NOT_BEGUN.has(error.code);
}

async function firstReachable(
  addresses: readonly string[],
  from: number,
  clientFor: (address: string) => Client,
  timeoutMs: number,
): Promise<string> {
  const attemptMs = Math.min(ATTEMPT_MS_MAX, timeoutMs) / (addresses.length > 1 ? 2 : 1);
  for (let step = 0; step < addresses.length; step += 1) {
    const address = addresses[(from + step) % addresses.length] as string;
    if (await isReady(clientFor(address), attemptMs)) return address;
  }
  const message = `No answer from the control plane at ${addresses.map((address) => `"${address}"`).join(', ')}`;
  throw new CellApiError('CELL_E_UNREACHABLE', message, false);
}

function isReady(client: Client, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    client.waitForReady(Date.now() + withinMs, (error) => resolve(error === undefined || error === null));
  });
}

async function* readStream<M extends StreamingMethod>(
  client: Client,
  method: M,
  request: Outgoing<M['input']>,
  address: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<MessageShape<M['output']>> {
  const definition = methodDefinition(method);
  const stream: ClientReadableStream<MessageShape<M['output']>> = client.makeServerStreamRequest(
    definition.path,
    definition.requestSerialize,
    definition.responseDeserialize,
    request,
    new Metadata(),
  );
  const abort = () => stream.cancel();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    for await (const message of stream) yield message as MessageShape<M['output']>;
  } catch (error) {
    if (signal?.aborted !== true) throw toCellApiError(error, address);
  } finally {
    signal?.removeEventListener('abort', abort);
    stream.cancel();
  }
}
