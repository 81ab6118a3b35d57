import {
  AgentService,
  type Outgoing,
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
  type ServiceDefinition,
} from '@grpc/grpc-js';

type Said = NonNullable<Outgoing<typeof SessionResponseSchema>['message']>;

type SessionStream = ServerDuplexStream<SessionRequest, Outgoing<typeof SessionResponseSchema>>;
type LogStream = ServerReadableStream<SendLogsRequest, object>;
type ExecStream = ServerDuplexStream<ServeExecRequest, Outgoing<typeof ServeExecResponseSchema>>;

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

  constructor(name: string, transcript: string[]) {
    this.name = name;
    this.#transcript = transcript;
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
    });
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
    this.#server.forceShutdown();
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
