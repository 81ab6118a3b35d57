/**
 * What a command is: declared once, and from that come parsing, `--help`, completion and the reference page. Each verb
 * has a file of its own below `commands/`.
 */
import type { CellClient } from '@cell/sdk';
import type { View } from '../output/view.ts';
import type { World } from '../world.ts';
import type { GlobalFlags } from './global-flags.ts';

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
  readonly default: string;
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

/** What the shell can complete a word with. */
export type Completes = 'node' | 'job' | 'allocation' | 'file';

export interface ArgumentSpec {
  readonly summary: string;
  readonly optional?: boolean;
  readonly completes?: Completes;
  readonly choices?: readonly string[];
}
/** In the order in which they are given. */
export type ArgumentSpecs = Readonly<Record<string, ArgumentSpec>>;

/** Durations are milliseconds. */
type FlagValue<F extends FlagSpec> = F extends { kind: 'switch' }
  ? boolean
  : F extends { kind: 'choice'; choices: readonly (infer T)[] }
    ? T
    : F extends { kind: 'text' }
      ? string | undefined
      : F extends { default: unknown }
        ? number
        : number | undefined;

export type FlagValues<F extends FlagSpecs> = { readonly [K in keyof F]: FlagValue<F[K]> };
export type ArgumentValues<A extends ArgumentSpecs> = {
  readonly [K in keyof A]: A[K] extends { optional: true } ? string | undefined : string;
};

/** What a running command has. */
export interface CommandInput<A extends ArgumentSpecs, F extends FlagSpecs> {
  readonly arguments: ArgumentValues<A>;
  readonly flags: FlagValues<F>;
  readonly globals: GlobalFlags;
  readonly world: World;
  /** The control plane that flags, environment and configuration name. */
  client(): CellClient;
  /** The addresses that `client` goes to, and how long it may take. */
  connection(): { readonly addresses: readonly string[]; readonly timeoutMs: number };
  /** Prints to the output, in the format of `-o` if the command has it. */
  print(view: View): Promise<void>;
  /** Says something that is no data. */
  note(text: string): Promise<void>;
}

export interface Example {
  readonly command: string;
  readonly what: string;
}

export interface CommandSpec<A extends ArgumentSpecs = ArgumentSpecs, F extends FlagSpecs = FlagSpecs> {
  /** Such as `['node', 'list']`. */
  readonly path: readonly [string, ...string[]];
  /** One line, without a full stop. */
  readonly summary: string;
  /** Paragraphs. */
  readonly description?: readonly string[];
  readonly arguments: A;
  readonly flags: F;
  readonly examples: readonly Example[];
  /** Exit codes beyond 0 (done) and 1 (error). */
  readonly exitCodes?: Readonly<Record<number, string>>;
  /** Of an error; 1 if not given. */
  readonly errorExitCode?: number;
  /** For programs, not for people: not in help or completion. */
  readonly hidden?: boolean;
  /** What follows is not parsed but passed on. */
  readonly passesWords?: boolean;
  /** The exit code, 0 if nothing is returned. */
  readonly run: (input: CommandInput<A, F>) => Promise<number | undefined>;
}

/** Checks the types of one command; what comes out fits a list of commands. */
export function defineCommand<const A extends ArgumentSpecs, const F extends FlagSpecs>(
  spec: CommandSpec<A, F>,
): CommandSpec {
  return spec as unknown as CommandSpec;
}

export function commandName(path: readonly string[]): string {
  return ['cellctl', ...path].join(' ');
}
