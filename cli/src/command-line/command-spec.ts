/**
 * What a command is: declared once, and from that come parsing, `--help`, completion and the reference page. Each verb
 * has a file of its own below `commands/`.
 */
import type { CellClient } from '@cell/sdk';
import type { Connection, ConnectionSources } from '../connection/resolve-connection.ts';
import type { View } from '../output/view.ts';
import type { World } from '../world.ts';
import type { Completes, FlagSpecs, FlagValues } from './flag-spec.ts';
import type { GlobalFlags } from './global-flags.ts';

export interface ArgumentSpec {
  readonly summary: string;
  readonly optional?: boolean;
  /** The last one: this word and all after it, as they are, flags too. */
  readonly rest?: boolean;
  readonly completes?: Completes;
  readonly choices?: readonly string[];
}
/** In the order in which they are given. */
export type ArgumentSpecs = Readonly<Record<string, ArgumentSpec>>;

export type ArgumentValues<A extends ArgumentSpecs> = {
  readonly [K in keyof A]: A[K] extends { rest: true }
    ? readonly string[]
    : A[K] extends { optional: true }
      ? string | undefined
      : string;
};

/** What a running command has. */
export interface CommandInput<A extends ArgumentSpecs, F extends FlagSpecs> {
  readonly arguments: ArgumentValues<A>;
  readonly flags: FlagValues<F>;
  readonly globals: GlobalFlags;
  readonly world: World;
  /** The control plane that flags, environment and configuration name, called by whom they name. */
  client(): CellClient;
  /** The addresses that `client` goes to, how long it may take, and who calls. */
  connection(): Connection;
  /** Where all that is found. */
  readonly sources: ConnectionSources;
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
  /** When this changes whom to trust: when the person's context asks for that anew, so that it still fits afterwards. */
  readonly trustChanges?: 'before' | 'after';
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
