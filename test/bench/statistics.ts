/** The least value that at least `share` (in 0 to 1) of all values don't exceed. `values` must not be empty. */
export function percentile(values: Iterable<number>, share: number): number {
  const sorted = Float64Array.from(values).sort();
  const found = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
  if (found === undefined) throw new RangeError('There is no percentile of nothing');
  return found;
}

export function median(values: Iterable<number>): number {
  return percentile(values, 0.5);
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
