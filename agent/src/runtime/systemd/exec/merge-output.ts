import type { Readable } from 'node:stream';
import type { ExecOutput } from '../../../ports.ts';

type Written = Extract<ExecOutput, { data: Uint8Array }>;

/** What is waiting for the reader; beyond it the command has to wait. */
const WAITING_BYTES_MAX = 256 * 1024;

/** Both outputs of a command as they come, at the pace of whoever takes them; ends when both have ended. */
export async function* mergeOutput(stdout: Readable, stderr: Readable): AsyncIterable<Written> {
  const waiting: Written[] = [];
  let waitingBytes = 0;
  let wake: () => void = () => undefined;
  const take = (type: Written['type']) => (data: Uint8Array) => {
    waiting.push({ type, data });
    waitingBytes += data.length;
    if (waitingBytes >= WAITING_BYTES_MAX) for (const { stream } of outputs) stream.pause();
    wake();
  };
  const outputs = [
    { stream: stdout, onData: take('stdout') },
    { stream: stderr, onData: take('stderr') },
  ];
  for (const { stream, onData } of outputs) {
    stream.on('data', onData).on('error', () => undefined);
    stream.once('close', () => wake());
  }
  try {
    while (waiting.length > 0 || outputs.some(({ stream }) => !stream.closed)) {
      const next = waiting.shift();
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      waitingBytes -= next.data.length;
      if (waitingBytes < WAITING_BYTES_MAX) for (const { stream } of outputs) stream.resume();
      yield next;
    }
  } finally {
    // What comes when nobody listens any more is dropped.
    for (const { stream, onData } of outputs) stream.off('data', onData);
  }
}
