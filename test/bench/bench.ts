/** One measured figure: a line of the output. */
export interface Measurement {
  /** "<bench>.<what>_<unit>" or "<bench>.<what>.per_second". */
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  /** What the figure depends on: sizes, counts, settings, and the figures of the single rounds. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** MB are 10^6 bytes; "cores" are CPU seconds per second; a "ratio" is of ours to another's. */
export type Unit = '1/s' | 'ms' | 's' | 'MB' | 'cores' | 'count' | 'ratio';

/** Where a bench puts what it finds. */
export interface BenchOutput {
  measured(measurement: Measurement): void;
  /** A sentence for whoever waits. */
  progress(text: string): void;
}

/** A bench at the sizes it is meant for. */
export type Bench = (output: BenchOutput) => Promise<void>;
