import type { SnapshotData } from './ports.ts';

/** Passes data on, and tells if it was the data's source that failed: else it was whoever took it. */
export function noteFailure(data: SnapshotData, failed: (error: Error) => void): SnapshotData {
  const { content } = data;
  return {
    [Symbol.asyncIterator]: () => noted(data, failed),
    content: content && { ...content, readFrom: (byte) => noted(content.readFrom(byte), failed) },
  };
}

async function* noted(
  data: AsyncIterable<Uint8Array>,
  failed: (error: Error) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const iterator = data[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next().catch((error) => {
        failed(error as Error);
        throw error;
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
