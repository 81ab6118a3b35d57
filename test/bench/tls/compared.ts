import type { BenchOutput, Unit } from '../bench.ts';
import { median, rounded } from '../statistics.ts';

/** The two that are compared, in the order in which they take turns. */
export const MODES = ['tls', 'plain'] as const;
export type Mode = (typeof MODES)[number];

/** One figure, found in each round by both. */
export class Compared {
  readonly #found: Readonly<Record<Mode, number[]>> = { tls: [], plain: [] };

  add(mode: Mode, value: number): void {
    this.#found[mode].push(value);
  }

  /** The median with TLS, that without, and the one over the other. */
  report(output: BenchOutput, name: string, unit: Unit, config: Readonly<Record<string, unknown>>): void {
    const [tls, plain] = MODES.map((mode) => rounded(median(this.#found[mode]), 4)) as [number, number];
    output.measured({ name, value: tls, unit, config: { ...config, plain, all: this.#found } });
    const value = plain === 0 ? 1 : rounded(tls / plain, 3);
    output.measured({ name: `${name}_to_plain`, value, unit: 'ratio', config: { tls, plain } });
  }
}
