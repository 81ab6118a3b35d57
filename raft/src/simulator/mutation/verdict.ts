/** What became of one planted fault. */
export interface Verdict {
  readonly fault: string;
  readonly caught: boolean;
  /** Transcripts that differ, or tests that fail. */
  readonly failed: readonly string[];
  /** What the simulator found first; `undefined` if nothing, or if it was not asked. */
  readonly simulation: SimulationFinding | undefined;
}

export interface SimulationFinding {
  /** The property that did not hold, `crash`, or `hang`. */
  readonly property: string;
  readonly seed: number;
  readonly message: string;
}

/** One line for a person: what caught the fault. */
export function verdictText({ caught, failed, simulation }: Verdict): string {
  if (!caught) return 'SURVIVED';
  const parts: string[] = [];
  if (simulation !== undefined) parts.push(`${simulation.property} (seed ${simulation.seed})`);
  const [first] = failed;
  if (first !== undefined) parts.push(failed.length === 1 ? first : `${first} and ${failed.length - 1} more`);
  return parts.join('; ');
}
