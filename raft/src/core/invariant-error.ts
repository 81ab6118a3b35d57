/**
 * A broken invariant: a bug in this package or in the code that drives it, never a fault of the world. The state
 * can't be trusted any more, so the process must stop. Kept apart from `CoreError` so that no handler of expected
 * errors swallows it.
 */
export class InvariantError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'InvariantError';
  }
}
