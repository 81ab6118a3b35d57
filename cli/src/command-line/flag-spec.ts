/** What a flag is, and what type its value has. */

/** What the shell can complete a word with. */
export type Completes = 'node' | 'job' | 'allocation' | 'context' | 'token' | 'file';

interface FlagBase {
  readonly summary: string;
  /** One letter. */
  readonly short?: string;
}
interface SwitchFlag extends FlagBase {
  readonly kind: 'switch';
}
interface TextFlag extends FlagBase {
  readonly kind: 'text';
  /** What stands for the value in the help, such as "ADDRESS". */
  readonly value: string;
  readonly completes?: Completes;
}
interface ChoiceFlag extends FlagBase {
  readonly kind: 'choice';
  readonly choices: readonly string[];
  readonly default?: string;
}
interface CountFlag extends FlagBase {
  readonly kind: 'count';
  readonly value: string;
  readonly min: number;
  readonly max: number;
  readonly default?: number;
}
interface DurationFlag extends FlagBase {
  readonly kind: 'duration';
  readonly default?: string;
  readonly min: string;
  readonly max: string;
}

export type FlagSpec = SwitchFlag | TextFlag | ChoiceFlag | CountFlag | DurationFlag;
export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

/** Durations are milliseconds. */
type FlagValue<F extends FlagSpec> = F extends { kind: 'switch' }
  ? boolean
  : F extends { kind: 'choice'; choices: readonly (infer T)[] }
    ? F extends { default: string }
      ? T
      : T | undefined
    : F extends { kind: 'text' }
      ? string | undefined
      : F extends { default: unknown }
        ? number
        : number | undefined;

export type FlagValues<F extends FlagSpecs> = { readonly [K in keyof F]: FlagValue<F[K]> };
