/** Passes data on, and tells if it was the data's source that failed: else it was whoever took it. */
export async function* noteFailure(
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
