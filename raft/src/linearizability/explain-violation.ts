import type { LinearizabilityViolation } from './check-linearizability.ts';
import type { Operation, SequentialModel } from './sequential-model.ts';

/** Of the order that was found, so many of the last operations are shown, and of what did not fit, the first. */
const SHOWN_MAX = 12;

/** A violation in words: where the longest order ends, and the operations of which none could follow. */
export function explainViolation<S, I, O>(
  model: SequentialModel<S, I, O>,
  { partition, operations, longest }: LinearizabilityViolation<I, O>,
): string {
  const ordered = new Set(longest);
  const left = operations.filter((operation) => !ordered.has(operation));
  // What began after one of those that are left had ended can't be next.
  const endMin = left.reduce((least, { returnedAt }) => Math.min(least, returnedAt), Number.POSITIVE_INFINITY);
  const stuck = left.filter(({ invokedAt }) => invokedAt <= endMin);
  const lines = (shown: readonly Operation<I, O>[]) => shown.map((operation) => `  ${line(model, operation)}`);
  const where = partition === '' ? '' : ` on '${partition}'`;
  return [
    `No order explains the answers to the ${operations.length} operations${where}; the longest has ${longest.length} and ends in:`,
    ...lines(longest.slice(-SHOWN_MAX)),
    'None of these can follow:',
    ...lines(stuck.slice(0, SHOWN_MAX)),
  ].join('\n');
}

function line<S, I, O>(model: SequentialModel<S, I, O>, operation: Operation<I, O>): string {
  const { client, input, output, invokedAt, returnedAt } = operation;
  const text = model.describe?.(input, output) ?? `${JSON.stringify(input)} -> ${JSON.stringify(output)}`;
  const end = output === undefined ? 'never answered' : shortNumber(returnedAt);
  return `client ${client}, ${shortNumber(invokedAt)} to ${end}: ${text}`;
}

function shortNumber(value: number): string {
  return String(Number(value.toFixed(2)));
}
