import type { DescMethod } from '@bufbuild/protobuf';
import { type Credentials, channelCredentials, channelSecurityOptions, type Trust } from '@cell/identity';
import {
  AgentService,
  type AllocationState,
  methodDefinition,
  type Outgoing,
  type SessionRequestSchema,
  type SessionResponse,
} from '@cell/proto';
import { Client, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { waitFor } from '../../harness/wait-for.ts';

export interface TakenNodeParts {
  readonly id: string;
  readonly name: string;
  readonly credentials: Credentials;
  readonly trust: Trust;
  /** Of the member that it talks to. */
  readonly address: string;
}

type Heard = SessionResponse['message'];

/** A node that is really one, in an attacker's hands: it says what it likes. */
export class TakenNode {
  readonly id: string;
  readonly name: string;
  readonly credentials: Credentials;
  readonly #client: Client;

  constructor({ id, name, credentials, trust, address }: TakenNodeParts) {
    this.id = id;
    this.name = name;
    this.credentials = credentials;
    const options = { ...channelSecurityOptions, 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0 };
    this.#client = new Client(address, channelCredentials({ trust, credentials }), options);
  }

  /** With a Hello; `said`: who it says that it is. */
  session(said: { readonly id?: string; readonly name?: string; readonly cpuMillis?: number } = {}): TakenSession {
    return new TakenSession(this.stream(AgentService.method.session), {
      nodeId: said.id ?? this.id,
      nodeName: said.name ?? this.name,
      cpuMillis: said.cpuMillis ?? 0,
    });
  }

  stream<M extends DescMethod>(method: M) {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  close(): void {
    this.#client.close();
  }
}

export class TakenSession {
  readonly heard: Heard[] = [];
  /** How it ended: a code; undefined while it stands. */
  end: string | undefined;
  readonly #call: ClientDuplexStream<Outgoing<typeof SessionRequestSchema>, SessionResponse>;
  #sequence = 0n;

  constructor(
    call: ClientDuplexStream<Outgoing<typeof SessionRequestSchema>, SessionResponse>,
    { nodeId, nodeName, cpuMillis }: { readonly nodeId: string; readonly nodeName: string; readonly cpuMillis: number },
  ) {
    this.#call = call;
    call.on('data', ({ message }: SessionResponse) => this.heard.push(message));
    call.on('error', (error: ServiceError) => {
      this.end ??= codeOf(error);
    });
    call.on('end', () => {
      this.end ??= 'ok';
    });
    const inventory = {
      capacity: { cpuMillis, memoryMib: cpuMillis },
      address: '127.0.0.1',
      portFirst: 20_000,
      portLast: 20_100,
      runtime: 'process',
      attributes: { 'kernel.name': 'linux', 'node.name': nodeName },
    };
    const hello = { nodeId, nodeName, agentVersion: '0.0.0', httpAddress: '127.0.0.1:1', inventory };
    call.write({ message: { case: 'hello', value: hello } });
  }

  /** The newest word of the kind, once there is one. */
  async hears<C extends NonNullable<Heard['case']>>(kind: C): Promise<Extract<Heard, { case: C }>['value']> {
    const message = await waitFor(() => this.heard.findLast((each) => each.case === kind), {
      what: `the member to say ${kind}; the session's end: ${this.end ?? 'none'}`,
    });
    return message.value as never;
  }

  report(id: string, state: AllocationState, message: string): void {
    this.#call.write({ message: { case: 'report', value: { allocations: [{ id, state, message }] } } });
  }

  /** A sign of life; resolves once the leader has confirmed it, and with it has seen all that was said before. */
  async beat(): Promise<void> {
    this.#sequence += 1n;
    const sequence = this.#sequence;
    this.#call.write({ message: { case: 'heartbeat', value: { sequence } } });
    await waitFor(() => this.heard.some((each) => each.case === 'leaseRenewal' && each.value.sequence >= sequence), {
      what: 'a heartbeat to be confirmed',
    });
  }

  close(): void {
    this.#call.cancel();
  }
}

export function codeOf(error: ServiceError): string {
  return error.metadata?.get('cell-error-code')[0]?.toString() ?? `grpc-status ${error.code}`;
}
