import { type CallRecord, changes } from '../clients/operations.ts';

/** The longest time, in milliseconds, in which no change at all was acknowledged, from the first to the last call. */
export function longestUnavailableMs(records: readonly CallRecord[]): number {
  const acknowledged = records
    .filter(({ input, output }) => changes(input) && output !== undefined)
    .map(({ returnedAt }) => returnedAt)
    .sort((one, other) => one - other);
  const begin = records.reduce((least, { invokedAt }) => Math.min(least, invokedAt), Number.POSITIVE_INFINITY);
  const end = records.reduce((most, { invokedAt }) => Math.max(most, invokedAt), acknowledged.at(-1) ?? 0);
  const moments = [begin, ...acknowledged, end];
  return moments.slice(1).reduce((longest, moment, place) => Math.max(longest, moment - moments[place]!), 0);
}
