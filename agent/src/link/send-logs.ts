import { once } from 'node:events';
import { AgentService, methodDefinition, type Outgoing, type SendLogsRequestSchema } from '@cell/proto';
import type { Client, ClientWritableStream } from '@grpc/grpc-js';
import { AgentError } from '../agent-error.ts';
import type { Log, LogChunk } from '../ports.ts';
import { streamToProto } from './to-proto.ts';

type Call = ClientWritableStream<Outgoing<typeof SendLogsRequestSchema>>;

/** Gives the output that was asked for. */
export type ReadOutput = (signal: AbortSignal) => AsyncIterable<LogChunk>;

const SENDERS_MAX = 32;

/** Answers requests for output, each in a stream of its own and at the pace of its reader. */
export class LogSender {
  readonly #log: Log;
  readonly #underWay = new Set<AbortController>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Streams under way. */
  get streams(): number {
    return this.#underWay.size;
  }

  /** Resolves when all is sent, or the reader has gone. Never rejects. */
  async send(client: Client, requestId: string, read: ReadOutput): Promise<void> {
    const gone = new AbortController();
    const method = methodDefinition(AgentService.method.sendLogs);
    const call: Call = client.makeClientStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      () => gone.abort(),
    );
    call.on('error', () => gone.abort());
    this.#underWay.add(gone);
    try {
      call.write({ requestId });
      if (this.#underWay.size > SENDERS_MAX) throw tooMany();
      for await (const chunk of read(gone.signal)) {
        if (gone.signal.aborted) break;
        const { data, stream, cursor = '' } = chunk;
        const more = call.write({ data, stream: streamToProto(stream), cursor });
        if (!more) await once(call, 'drain', { signal: gone.signal });
      }
    } catch (error) {
      if (!gone.signal.aborted) this.#refuse(call, error);
    } finally {
      this.#underWay.delete(gone);
      if (gone.signal.aborted) call.cancel();
      else call.end();
    }
  }

  close(): void {
    for (const gone of this.#underWay) gone.abort();
  }

  #refuse(call: Call, error: unknown): void {
    this.#log.warn({ err: error }, 'Could not send output');
    const message = (error as Error).message;
    call.write({ error: error instanceof AgentError ? `${error.code}: ${message}` : message });
  }
}

function tooMany(): AgentError {
  return new AgentError(
    'CELL_E_NOT_FOUND',
    `Could not send output: ${SENDERS_MAX} readers are served; try again later`,
  );
}
