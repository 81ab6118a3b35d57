/** What a client did, and what it was told. Times are of one clock for all clients, in any unit. */
export interface Operation<I, O> {
  readonly client: number;
  readonly input: I;
  /** `undefined`: never answered; it may have happened at any time from `invokedAt` on, or never. */
  readonly output: O | undefined;
  readonly invokedAt: number;
  /** `Infinity` if it was never answered. */
  readonly returnedAt: number;
}

/** What a service does if its operations come one after the other: the specification that a history is held against. */
export interface SequentialModel<S, I, O> {
  /** Operations of different partitions have nothing to do with each other; each is checked by itself. */
  partition?(input: I): string;
  initial(): S;
  /**
   * The state after the operation, or `undefined` if this output can't be given in this state. With `undefined` for
   * output any answer is allowed. States are never changed, only replaced.
   */
  step(state: S, input: I, output: O | undefined): S | undefined;
  /** Equal states give equal keys, and others don't. */
  key(state: S): string;
  /**
   * Whether an operation with this answer leaves every state as it is: a read, a swap that found another value. A
   * history with many of these at the same time is checked much faster if the model can tell.
   */
  observes?(input: I, output: O | undefined): boolean;
  /** An operation in words, for whoever reads of a violation. */
  describe?(input: I, output: O | undefined): string;
}
