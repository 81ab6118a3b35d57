/** An agent on paper that speaks gRPC to a member on paper. */
import type { DescMethod } from '@bufbuild/protobuf';
import {
  AgentService,
  methodDefinition,
  type OpenExec,
  type OpenLogs,
  type Outgoing,
  type ServeExecRequestSchema,
  type ServeExecResponse,
  type SessionRequestSchema,
  type SessionResponse,
} from '@cell/proto';
import { type ClientDuplexStream, Metadata, status } from '@grpc/grpc-js';
import { expect } from 'vitest';
import { OPEN_GUARD_NODE } from '../../access/testing/open-guard.ts';
import { answeredError } from '../../grpc-error.ts';
import type { PaperMember } from './paper-member.ts';
import { exampleHello } from './session-transcript.ts';

type Said = NonNullable<Outgoing<typeof SessionRequestSchema>['message']>;
type Heard = SessionResponse['message'];
type ServeCall = ClientDuplexStream<Outgoing<typeof ServeExecRequestSchema>, ServeExecResponse>;

interface Requests {
  readonly openLogs: OpenLogs;
  readonly openExec: OpenExec;
}

export class GrpcAgent {
  heard: Heard[] = [];
  /** Codes of the errors that the session ended with. */
  readonly ends: string[] = [];
  readonly call: ClientDuplexStream<Outgoing<typeof SessionRequestSchema>, SessionResponse>;
  readonly #member: PaperMember;
  readonly #metadata: Metadata;

  constructor(member: PaperMember, nodeId = 'n1') {
    this.#member = member;
    this.#metadata = new Metadata();
    this.#metadata.set(OPEN_GUARD_NODE, nodeId);
    this.call = this.#duplex(AgentService.method.session);
    this.call.on('data', ({ message }: SessionResponse) => this.heard.push(message));
    this.call.on('error', (error) => this.ends.push(endOf(error)));
  }

  /** With a session that is served; its node is in the state already. */
  static async connected(member: PaperMember, name: string, ...capabilities: string[]): Promise<GrpcAgent> {
    const agent = new GrpcAgent(member, name);
    agent.say({ case: 'hello', value: exampleHello(name, capabilities) });
    await expect.poll(() => agent.heard.map((message) => message.case)).toEqual(['welcome', 'desired']);
    return agent;
  }

  say(message: Said): void {
    this.call.write({ message });
  }

  /** The newest request of a kind, once there is one; it is given once. */
  async asked<C extends keyof Requests>(kind: C): Promise<Requests[C]> {
    await expect.poll(() => this.heard.some((message) => message.case === kind)).toBe(true);
    const request = this.heard.findLast((message) => message.case === kind)!;
    this.heard = this.heard.filter((message) => message !== request);
    return request.value as Requests[C];
  }

  /** Answers the member's request for output. */
  async answerLogs() {
    const { requestId } = await this.asked('openLogs');
    return this.sendLogs(requestId);
  }

  sendLogs(requestId: string) {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(AgentService.method.sendLogs);
    const { promise: ended, resolve: settle } = Promise.withResolvers<string>();
    const args = [path, requestSerialize, responseDeserialize, this.#metadata] as const;
    const call = this.#member.client.makeClientStreamRequest(...args, (error) => {
      settle(error === null ? 'ok' : endOf(error));
    });
    call.write({ requestId });
    return Object.assign(call, { ended });
  }

  /** Answers the member's request to run a command. */
  async answerExec(): Promise<ServedExec> {
    const { requestId, start } = await this.asked('openExec');
    return new ServedExec(this.#duplex(AgentService.method.serveExec), requestId, start?.command ?? []);
  }

  #duplex<M extends DescMethod>(method: M) {
    const { path, requestSerialize, responseDeserialize } = methodDefinition(method);
    return this.#member.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata);
  }
}

/** A command that an agent on paper runs. */
export class ServedExec {
  readonly call: ServeCall;
  readonly command: readonly string[];
  /** What it was given to read, in words. */
  readonly read: string[] = [];
  readonly ended: Promise<string>;

  constructor(call: ServeCall, requestId: string, command: readonly string[]) {
    this.call = call;
    this.command = command;
    this.ended = new Promise((resolve) => {
      call.on('error', (error) => resolve(endOf(error)));
      call.on('status', ({ code }) => resolve(code === status.OK ? 'ok' : `status ${code}`));
    });
    call.write({ requestId });
  }

  /** From now on it reads. */
  reading(): this {
    this.call.on('data', ({ input }: ServeExecResponse) => {
      const { case: kind, value } = input?.input ?? { case: undefined, value: undefined };
      if (kind === 'data') this.read.push(Buffer.from(value).toString());
      else this.read.push(kind === 'resize' ? `${value.columns}x${value.rows}` : String(kind));
    });
    return this;
  }

  /** It begins to read, and stops after the first word: grpc-js keeps without limit what nobody ever begins to read. */
  notReading(): this {
    this.call.once('data', () => this.call.pause());
    return this;
  }

  write(stream: 'stdout' | 'stderr', text: string | Uint8Array, taken?: () => void): void {
    const value = new Uint8Array(Buffer.from(text));
    this.call.write({ output: { output: { case: stream, value } as { case: 'stdout'; value: Uint8Array } } }, taken);
  }

  exit(value: number): void {
    this.call.write({ output: { output: { case: 'exitCode', value } } });
    this.call.end();
  }
}

function endOf(error: unknown): string {
  return answeredError(error)?.code ?? String((error as Error).message);
}
