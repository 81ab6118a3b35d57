import { Search } from './search.ts';
import type { Operation, SequentialModel } from './sequential-model.ts';

/** More tries than this to order the operations of one partition, and it stays undecided: about a second of work. */
const STEPS_MAX = 1_000_000;

export interface LinearizabilityLimits {
  /** Steps of the model per partition. Default 1,000,000. */
  readonly stepsMax?: number;
}

/** There is no order of the operations that explains all answers. */
export interface LinearizabilityViolation<I, O> {
  readonly verdict: 'violation';
  readonly partition: string;
  /** All operations of the partition, in order of their beginning. */
  readonly operations: readonly Operation<I, O>[];
  /** The longest beginning of an order that was found: what comes next can't be explained. */
  readonly longest: readonly Operation<I, O>[];
}

export type LinearizabilityVerdict<I, O> =
  | { readonly verdict: 'linearizable' }
  | LinearizabilityViolation<I, O>
  /** The limit was reached first. Many operations without an answer make it so. */
  | { readonly verdict: 'undecided'; readonly partition: string; readonly steps: number };

/**
 * Is there an order of all operations, each at one moment between its beginning and its end, in which the model gives
 * the very answers that the clients had? [1] A violation in any partition goes before a partition that is undecided.
 * Operations that are known to have failed are to be left out; those without an answer are taken to have happened or
 * not, whichever fits. An operation that ends when another begins counts as concurrent with it.
 *
 * Throws RangeError if times are no numbers or an operation ends before it begins.
 *
 * [1] Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", 1990
 * [2] Wing and Gong, "Testing and verifying concurrent objects", 1993: the search
 * [3] Lowe, "Testing for linearizability", 2017: remembering what was tried
 * [4] Horn and Kroening, "Faster linearizability checking via P-compositionality", 2015: partitions
 */
export function checkLinearizability<S, I, O>(
  model: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
  { stepsMax = STEPS_MAX }: LinearizabilityLimits = {},
): LinearizabilityVerdict<I, O> {
  let undecided: LinearizabilityVerdict<I, O> | undefined;
  for (const [partition, operations] of partitions(model, history)) {
    const search = new Search(model, operations);
    const found = search.run(stepsMax);
    if (found === 'violation') return { verdict: found, partition, operations, longest: search.longest };
    if (found === 'undecided') undecided ??= { verdict: found, partition, steps: search.steps };
  }
  return undecided ?? { verdict: 'linearizable' };
}

/** The operations of each partition, in order of their beginning. */
function partitions<S, I, O>(
  model: SequentialModel<S, I, O>,
  history: readonly Operation<I, O>[],
): Map<string, Operation<I, O>[]> {
  const found = new Map<string, Operation<I, O>[]>();
  for (const operation of history) {
    const { invokedAt, returnedAt, input } = operation;
    if (!(invokedAt <= returnedAt)) {
      throw new RangeError(`Can't check an operation that begins at '${invokedAt}' and ends at '${returnedAt}'`);
    }
    const partition = model.partition?.(input) ?? '';
    const operations = found.get(partition);
    if (operations === undefined) found.set(partition, [operation]);
    else operations.push(operation);
  }
  for (const operations of found.values()) operations.sort((a, b) => a.invokedAt - b.invokedAt);
  return found;
}
