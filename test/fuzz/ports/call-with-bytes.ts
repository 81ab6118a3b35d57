import type { DescMethod } from '@bufbuild/protobuf';
import { methodDefinition } from '@cell/proto';
import { type Client, type Metadata, type ServiceError, status } from '@grpc/grpc-js';

const CODE_KEY = 'cell-error-code';
/** Of a stream that has nothing to say, or more than anybody wants to hear. */
const STREAM_MS_MAX = 100;
const CALL_MS_MAX = 10_000;

/** Makes a call with these messages, sound or not. Gives its code: "OK", one that begins with CELL_E_, or gRPC's word. */
export function callWithBytes(
  client: Client,
  method: DescMethod,
  messages: readonly Uint8Array[],
  metadata: Metadata,
): Promise<string> {
  const { path, requestStream, responseStream } = methodDefinition(method);
  const bytes = (message: Buffer) => message;
  const options = { deadline: Date.now() + CALL_MS_MAX };
  const buffers = messages.map((message) => Buffer.from(message));
  return new Promise((resolve) => {
    if (!requestStream && !responseStream) {
      client.makeUnaryRequest(path, bytes, bytes, buffers[0] ?? Buffer.alloc(0), metadata, options, (error) => {
        resolve(codeOf(error));
      });
      return;
    }
    const written = requestStream ? client.makeBidiStreamRequest(path, bytes, bytes, metadata, options) : undefined;
    const first = buffers[0] ?? Buffer.alloc(0);
    const call = written ?? client.makeServerStreamRequest(path, bytes, bytes, first, metadata, options);
    const timer = setTimeout(() => call.cancel(), STREAM_MS_MAX);
    call.on('data', () => {});
    call.on('error', (error: ServiceError) => {
      clearTimeout(timer);
      resolve(error.code === status.CANCELLED ? 'OK' : codeOf(error));
    });
    call.on('end', () => {
      clearTimeout(timer);
      resolve('OK');
    });
    for (const message of buffers) written?.write(message);
    written?.end();
  });
}

/** Of a call that failed: its code, or gRPC's word and what it says. */
export function codeOf(error: ServiceError | null): string {
  if (error === null) return 'OK';
  const code = error.metadata?.get(CODE_KEY)[0];
  return code === undefined ? `${status[error.code]}: ${error.details}` : String(code);
}
