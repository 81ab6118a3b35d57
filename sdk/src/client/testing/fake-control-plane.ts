/** A control plane for tests of clients: a real gRPC server on loopback whose answers the test gives. */

import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import type { Credentials } from '@cell/identity';
import * as operators from '@cell/proto';
import { serviceDefinition } from '@cell/proto';
import { Metadata, Server, ServerCredentials, status, type UntypedServiceImplementation } from '@grpc/grpc-js';

/**
 * Handlers by method name, such as `listNodes`; of a stream, an async iterable; of one in both directions, it gets the
 * stream. Others are not implemented.
 */
export type FakeHandlers = Readonly<
  Record<string, (request: never, signal: AbortSignal, metadata: Metadata) => unknown>
>;

export interface FakeControlPlane {
  readonly address: string;
  /** Names of the called methods, in order. */
  readonly calls: readonly string[];
  /** Ends every connection at once, as a crash does. */
  crash(): void;
  /** After a crash, at the same address. */
  revive(): Promise<void>;
  /** Ends every call and stops listening, as a member does that is told to end at once. */
  end(): void;
}

const SERVICES = [
  operators.FleetService,
  operators.NodeService,
  operators.JobService,
  operators.AllocationService,
  operators.ControlPlaneService,
  operators.DrillService,
  operators.CommandService,
  operators.IdentityService,
  operators.SecretService,
] as const;

interface ServerCall {
  readonly request: never;
  readonly metadata: Metadata;
  on(event: 'cancelled', listener: () => void): void;
  write(message: unknown): boolean;
  end(): void;
  emit(event: 'error', error: unknown): boolean;
}

/** An error as the control plane sends it. */
export function codedError(code: string, message: string, also: Readonly<Record<string, string>> = {}): Error {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(also)) metadata.set(key, value);
  metadata.set('cell-error-code', code);
  return Object.assign(new Error(message), { code: status.UNAVAILABLE, details: message, metadata });
}

export interface FakeSecurity {
  /** Of the member. */
  readonly credentials: Credentials;
  /** PEM; whose certificates callers may have. */
  readonly authority: string;
}

/** Plain text without a `security`. */
export async function startFakeControlPlane(
  handlers: FakeHandlers,
  security?: FakeSecurity,
): Promise<FakeControlPlane> {
  const calls: string[] = [];
  const server = new Server();
  for (const service of SERVICES) {
    const implementation: UntypedServiceImplementation = {};
    for (const method of service.methods) {
      const handler = handlers[method.localName];
      if (handler === undefined) continue;
      const answer = answers[method.methodKind] as (typeof answers)[string];
      implementation[method.localName] = ((call: ServerCall, callback: Callback) => {
        calls.push(method.localName);
        void answer(handler, call, callback);
      }) as never;
    }
    server.addService(serviceDefinition(service) as never, implementation);
  }
  const behind = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', serverCredentials(security), (error, found) =>
      error ? reject(error) : resolve(found),
    );
  });
  const front = await startFront(behind);
  return {
    address: `127.0.0.1:${front.port}`,
    calls,
    crash: () => front.crash(),
    revive: () => front.listen(),
    end() {
      front.close();
      server.forceShutdown();
    },
  };
}

function serverCredentials(security: FakeSecurity | undefined): ServerCredentials {
  if (security === undefined) return ServerCredentials.createInsecure();
  const { chain, privateKey } = security.credentials;
  const pair = { cert_chain: Buffer.from(chain), private_key: Buffer.from(privateKey) };
  return ServerCredentials.createSsl(Buffer.from(security.authority), [pair], false);
}

interface Front {
  readonly port: number;
  listen(): Promise<void>;
  crash(): void;
  close(): void;
}

/** Passes bytes on, so that connections can be cut as by a crash: grpc-js's own server always says good-bye. */
async function startFront(behind: number): Promise<Front> {
  const sockets = new Set<Socket>();
  const listener = createServer((caller) => {
    const callee = createConnection(behind, '127.0.0.1');
    for (const socket of [caller, callee]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        caller.destroy();
        callee.destroy();
      });
    }
    caller.pipe(callee).pipe(caller);
  });
  const listen = (at: number) =>
    new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(at, '127.0.0.1', resolve);
    });
  await listen(0);
  const { port } = listener.address() as AddressInfo;
  return {
    port,
    listen: () => listen(port),
    close: () => void listener.close(),
    crash() {
      listener.close();
      for (const socket of sockets) socket.resetAndDestroy();
    },
  };
}

type Callback = (error: unknown, response?: unknown) => void;
type Handler = FakeHandlers[string];

async function answerUnary(handler: Handler, call: ServerCall, callback: Callback): Promise<void> {
  try {
    callback(null, await handler(call.request, signalOf(call), call.metadata));
  } catch (error) {
    callback(error);
  }
}

async function answerStream(handler: Handler, call: ServerCall): Promise<void> {
  try {
    for await (const message of handler(call.request, signalOf(call), call.metadata) as AsyncIterable<unknown>)
      call.write(message);
    call.end();
  } catch (error) {
    call.emit('error', error);
  }
}

function handOver(handler: Handler, call: ServerCall): void {
  handler(call as never, signalOf(call), call.metadata);
}

const answers: Record<string, (handler: Handler, call: ServerCall, callback: Callback) => Promise<void> | void> = {
  unary: answerUnary,
  server_streaming: answerStream,
  bidi_streaming: handOver,
};

function signalOf(call: ServerCall): AbortSignal {
  const controller = new AbortController();
  call.on('cancelled', () => controller.abort());
  return controller.signal;
}
