/**
 * Seeds that once failed, with what was wrong: they are simulated in every test run. What a seed implies changes with
 * the scenarios, so that it may not lead there any more; a fault that was found is therefore also planted, by name, in
 * the list of planted faults, and has a test of its own beside what it was found in.
 */
export const REGRESSION_SEEDS: readonly { readonly seed: number; readonly found: string }[] = [
  { seed: 701_712, found: 'a member led one term twice, as it had asked for votes before its own was stored' },
  { seed: 5_000_951, found: 'a full disk stored a commit index beyond what was valid of its log' },
];
