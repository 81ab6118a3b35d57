/** Something that the demo promises isn't so. The message is one sentence for the person who watches. */
export class DemoFailure extends Error {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = 'DemoFailure';
  }
}

/** Throws `DemoFailure` unless it holds. */
export function ensure(holds: boolean, message: string): asserts holds {
  if (!holds) throw new DemoFailure(message);
}

/** What went wrong, down to the first cause. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`;
}
