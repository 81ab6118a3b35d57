import { once } from 'node:events';
import {
  AgentService,
  methodDefinition,
  type Outgoing,
  type ServeExecRequestSchema,
  type ServeExecResponse,
} from '@cell/proto';
import type { Client, ClientDuplexStream } from '@grpc/grpc-js';
import { AgentError } from '../agent-error.ts';
import type { ExecInput, ExecOutput, Log } from '../ports.ts';
import { execInputFromProto } from './from-proto.ts';
import { execOutputToProto } from './to-proto.ts';

type Call = ClientDuplexStream<Outgoing<typeof ServeExecRequestSchema>, ServeExecResponse>;

/** Runs the command that was asked for. */
export type RunCommand = (input: AsyncIterable<ExecInput>, signal: AbortSignal) => AsyncIterable<ExecOutput>;

/** Answers requests for commands, each in a stream of its own: both sides wait for who reads slower. */
export class ExecServer {
  readonly #log: Log;
  readonly #underWay = new Set<AbortController>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Streams under way. */
  get streams(): number {
    return this.#underWay.size;
  }

  /** Resolves when the command has ended, by itself or because nobody wants it any more. Never rejects. */
  async serve(client: Client, requestId: string, run: RunCommand): Promise<void> {
    const gone = new AbortController();
    const method = methodDefinition(AgentService.method.serveExec);
    const call: Call = client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
    call.on('error', () => gone.abort());
    // The end of the stream is not the end of what the command reads: it is wanted no more. Comes also if not all was read.
    call.on('status', () => gone.abort());
    this.#underWay.add(gone);
    try {
      call.write({ requestId });
      for await (const output of run(inputOf(call), gone.signal)) {
        if (gone.signal.aborted) continue;
        const more = call.write({ output: execOutputToProto(output) });
        if (!more) await drained(call, gone.signal);
      }
    } catch (error) {
      if (!gone.signal.aborted) this.#refuse(call, error);
    } finally {
      this.#underWay.delete(gone);
      if (gone.signal.aborted) call.cancel();
      else call.end();
      // What was sent and not read.
      call.resume();
    }
  }

  close(): void {
    for (const gone of this.#underWay) gone.abort();
  }

  #refuse(call: Call, error: unknown): void {
    this.#log.warn({ err: error }, 'Could not run a command in an allocation');
    const message = (error as Error).message;
    call.write({ error: error instanceof AgentError ? `${error.code}: ${message}` : message });
  }
}

/** What the command is sent. A command that wants to read no more may still write. */
async function* inputOf(call: Call): AsyncIterable<ExecInput> {
  const responses = call.iterator({ destroyOnReturn: false }) as AsyncIterable<ServeExecResponse>;
  for await (const { input } of responses) {
    const known = execInputFromProto(input);
    if (known !== undefined) yield known;
  }
}

/** Returns, too, when nobody wants it any more: what the command still writes is dropped then. */
async function drained(call: Call, signal: AbortSignal): Promise<void> {
  await once(call, 'drain', { signal }).catch(() => undefined);
}
