import type { FuzzTarget } from './fuzz-target.ts';
import { INPUT_BYTES_MAX, mutate } from './mutate.ts';
import { Random } from './random.ts';

/** An input that a reader should have refused, or read, and did neither. */
export interface Finding {
  readonly target: string;
  readonly input: Uint8Array;
  readonly why: string;
}

export interface FuzzResult {
  readonly executions: number;
  /** Inputs that were read without an error. */
  readonly accepted: number;
  readonly finding: Finding | undefined;
}

export interface FuzzOptions {
  readonly seed: string;
  readonly executions: number;
  /** Processor time of this thread for one input; undefined: as long as it takes. */
  readonly inputMsMax: number;
  /** On the monotonic clock; a run ends then. */
  readonly untilMs?: number;
}

/** The seeds themselves, then what is made of them; ends with the first finding. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  const seeds = await target.seeds();
  let accepted = 0;
  let executions = 0;
  while (executions < options.executions && performance.now() < (options.untilMs ?? Number.POSITIVE_INFINITY)) {
    const input = seeds[executions] ?? made(target, seeds, options.seed, executions);
    executions += 1;
    const { why, wasAccepted } = await judge(target, input, options.inputMsMax);
    if (why !== undefined) return { executions, accepted, finding: { target: target.name, input, why } };
    if (wasAccepted) accepted += 1;
  }
  return { executions, accepted, finding: undefined };
}

/** Each by its number alone, so that the thousandth can be had without the others. */
function made(target: FuzzTarget, seeds: readonly Uint8Array[], seed: string, execution: number): Uint8Array {
  const random = new Random(`${seed} ${target.name} ${execution}`);
  const input = target.madeOnly || execution % 2 === 0 ? target.make?.(random) : undefined;
  return (input ?? mutate(seeds, target.form, random)).subarray(0, INPUT_BYTES_MAX);
}

/** Reads one input. `why`: what is wrong with how it went. */
export async function judge(target: FuzzTarget, input: Uint8Array, inputMsMax: number) {
  const begin = process.threadCpuUsage();
  let wasAccepted = true;
  try {
    // A copy: readers may keep views, and a finding must be what was read.
    const reading = target.read(Buffer.from(input));
    if (reading instanceof Promise) await reading;
  } catch (error) {
    wasAccepted = false;
    if (!target.refuses(error)) return { why: describe(error), wasAccepted };
  }
  const { user, system } = process.threadCpuUsage(begin);
  const tookMs = (user + system) / 1000;
  return { why: tookMs > inputMsMax ? `It took ${Math.round(tookMs)} ms` : undefined, wasAccepted };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return `Threw ${String(error)}`;
  return `${error.name}: ${error.message.slice(0, 300)}\n${(error.stack ?? '').split('\n').slice(1, 8).join('\n')}`;
}
