import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { type Credentials, subjectOf, TLS_VERSION } from '@cell/identity';
import {
  AgentService,
  type FetchSecretsRequest,
  type JoinRequest,
  type JoinResponseSchema,
  type Outgoing,
  type RenewCertificateRequest,
  type SendLogsRequest,
  type ServeExecRequest,
  type ServeExecResponseSchema,
  type SessionRequest,
  type SessionResponseSchema,
  serviceDefinition,
} from '@cell/proto';
import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
} from '@grpc/grpc-js';

type Said = NonNullable<Outgoing<typeof SessionResponseSchema>['message']>;

type SessionStream = ServerDuplexStream<SessionRequest, Outgoing<typeof SessionResponseSchema>>;
type LogStream = ServerReadableStream<SendLogsRequest, object>;
type ExecStream = ServerDuplexStream<ServeExecRequest, Outgoing<typeof ServeExecResponseSchema>>;

type Issued = Outgoing<typeof JoinResponseSchema>;
type Unary<Request, Response> = (call: ServerUnaryCall<Request, Response>, answer: sendUnaryData<Response>) => void;

/** What a fake member refuses a call with. */
export class FakeRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number;
  constructor(status: number, code: string, message: string, retryAfterMs = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A member of the control plane as agents see it: writes down what they say, and says what the test wants. */
export class FakeMember {
  readonly name: string;
  readonly #transcript: string[];
  readonly #server = new Server();
  address = '';
  /** Heartbeats are confirmed. */
  confirms = true;
  /** Hellos are answered. */
  welcomes = true;
  leaseMs = 10_000;
  heartbeatMs = 3_000;
  members: string[] = [];
  readonly logs: SendLogsRequest[] = [];
  /** Output is read on after its first message. */
  readsLogs = true;
  #stream: SessionStream | undefined;
  #logStream: LogStream | undefined;
  /** The newest stream for a command. */
  execStream: ExecStream | undefined;
  readonly execs: ServeExecRequest[] = [];
  /** What a command writes is read on after the first message. */
  readsExecs = true;

  /** Answers to the calls of identity; throws what it refuses with. */
  join: (request: JoinRequest) => Issued = () => refuse('nobody joins');
  renew: (request: RenewCertificateRequest, caller: string) => Issued = () => refuse('nobody renews');
  secrets: (request: FetchSecretsRequest, caller: string) => Record<string, Uint8Array> = () => refuse('no secrets');
  /** Subjects of those that may have a session; undefined: anybody. */
  admits: (caller: string) => boolean = () => true;
  readonly #credentials: Credentials | undefined;
  /** Certificates of callers by their "address:port". */
  readonly #callers = new Map<string, string>();
  #tls: TlsServer | undefined;
  readonly #sockets = new Set<TLSSocket>();

  /** Without credentials it talks in clear text. */
  constructor(name: string, transcript: string[], credentials?: Credentials) {
    this.name = name;
    this.#transcript = transcript;
    this.#credentials = credentials;
  }

  async listen(): Promise<void> {
    const definition = serviceDefinition(AgentService) as unknown as ServiceDefinition;
    this.#server.addService(definition, {
      session: (stream: SessionStream) => this.#session(stream),
      sendLogs: (stream: LogStream, answer: (error: null, value: object) => void) => {
        this.#logStream = stream;
        this.note('log stream opens');
        stream.on('data', (message: SendLogsRequest) => {
          this.logs.push(message);
          if (!this.readsLogs) stream.pause();
        });
        stream.on('cancelled', () => this.note('log stream is cancelled'));
        stream.on('end', () => {
          this.note('log stream ends');
          answer(null, {});
        });
      },
      serveExec: (stream: ExecStream) => this.#serveExec(stream),
      join: unary((request: JoinRequest) => {
        this.note('is asked to let in a node');
        return this.join(request);
      }),
      renewCertificate: unary((request: RenewCertificateRequest, peer) => {
        this.note(`is asked to renew by ${this.#callerAt(peer)}`);
        return this.renew(request, this.#callerAt(peer));
      }),
      fetchSecrets: unary((request: FetchSecretsRequest, peer) => ({
        values: this.secrets(request, this.#callerAt(peer)),
      })),
    });
    if (this.#credentials !== undefined) {
      await this.#listenSecurely(this.#credentials);
      return;
    }
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(this.address || '127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    this.address = `127.0.0.1:${port}`;
  }

  say(message: Said): void {
    this.#stream?.write({ message });
  }

  endSession(code: number, cellCode: string, message: string): void {
    const metadata = new Metadata();
    metadata.set('cell-error-code', cellCode);
    this.#stream?.emit('error', { code, details: message, metadata });
  }

  resumeLogs(): void {
    this.readsLogs = true;
    this.#logStream?.resume();
  }

  breakLogs(): void {
    this.#logStream?.emit('error', { code: 1, details: 'the reader has gone' });
  }

  close(): void {
    this.#tls?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.forceShutdown();
  }

  /** As members do: a certificate is asked for, not required, and judged by the call. */
  async #listenSecurely({ chain, privateKey }: Credentials): Promise<void> {
    const injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const tls = createServer({
      cert: chain,
      key: privateKey,
      minVersion: TLS_VERSION,
      ALPNProtocols: ['h2'],
      requestCert: true,
      rejectUnauthorized: false,
    });
    tls.on('secureConnection', (socket) => {
      const subject = subjectOf(socket.getPeerCertificate().subjectaltname);
      this.#callers.set(
        `${socket.remoteAddress}:${socket.remotePort}`,
        subject === undefined ? 'nobody' : subject.id.toString(),
      );
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
      injector.injectConnection(socket);
    });
    tls.on('tlsClientError', () => undefined);
    this.#tls = tls;
    const [host = '127.0.0.1', port = '0'] = this.address.split(':');
    await new Promise<void>((resolve, reject) => {
      tls.once('error', reject);
      tls.listen(Number(port), host || '127.0.0.1', resolve);
    });
    this.address = `127.0.0.1:${(tls.address() as AddressInfo).port}`;
  }

  #callerAt(peer: string): string {
    return this.#callers.get(peer) ?? 'nobody';
  }

  note(line: string): void {
    this.#transcript.push(`${this.name}: ${line}`);
  }

  #serveExec(stream: ExecStream): void {
    this.execStream = stream;
    this.note('exec stream opens');
    stream.on('error', () => undefined);
    stream.on('data', (message: ServeExecRequest) => {
      this.execs.push(message);
      if (!this.readsExecs) stream.pause();
    });
    stream.on('cancelled', () => this.note('exec stream is cancelled'));
    stream.on('end', () => {
      this.note('exec stream ends');
      stream.end();
    });
  }

  #session(stream: SessionStream): void {
    this.#stream = stream;
    stream.on('error', () => undefined);
    if (!this.admits(this.#callerAt(stream.getPeer()))) {
      this.note(`refuses a session to ${this.#callerAt(stream.getPeer())}`);
      this.endSession(16, 'CELL_E_UNAUTHENTICATED', 'The certificate is not good here');
      return;
    }
    stream.on('data', (request: SessionRequest) => this.#take(request));
    stream.on('cancelled', () => this.note('session is cancelled'));
  }

  #take({ message }: SessionRequest): void {
    switch (message.case) {
      case 'hello': {
        const { nodeName, generation, clusterId, allocations } = message.value;
        const known = allocations.map(({ id, state }) => `${id}=${state}`).join(' ');
        this.note(`hello of ${nodeName} generation=${generation} cluster="${clusterId}" [${known}]`);
        const { heartbeatMs: heartbeatIntervalMs, leaseMs, members: controlPlaneAddresses } = this;
        const value = { clusterId: 'c1', heartbeatIntervalMs, leaseMs, controlPlaneAddresses };
        if (this.welcomes) this.say({ case: 'welcome', value });
        return;
      }
      case 'heartbeat':
        this.note(`heartbeat ${message.value.sequence}`);
        if (this.confirms) this.say({ case: 'leaseRenewal', value: { sequence: message.value.sequence } });
        return;
      case 'report':
        for (const { id, state } of message.value.allocations) this.note(`report ${id}=${state}`);
        return;
      case undefined:
        return;
    }
  }
}

function refuse(what: string): never {
  throw new FakeRefusal(7, 'CELL_E_FORBIDDEN', `Refused: ${what}`);
}

function unary<Request, Response>(answerTo: (request: Request, peer: string) => Response): Unary<Request, Response> {
  return (call, answer) => {
    try {
      answer(null, answerTo(call.request, call.getPeer()));
    } catch (error) {
      const { status: code, code: cellCode, message, retryAfterMs } = error as FakeRefusal;
      const metadata = new Metadata();
      metadata.set('cell-error-code', cellCode);
      if (retryAfterMs > 0) metadata.set('grpc-retry-pushback-ms', `${retryAfterMs}`);
      answer({ code, details: message, metadata });
    }
  };
}
