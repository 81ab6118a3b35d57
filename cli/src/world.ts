/** Everything outside: `main.ts` makes the real one, tests give their own. */
import type { CellClient, ConnectOptions } from '@cell/sdk';

export interface Output {
  /** Resolves once there is room for more; never rejects: what nobody reads any more is dropped. */
  write(data: string | Uint8Array): Promise<void>;
  readonly isTerminal: boolean;
  /** Of the terminal, in characters; undefined if it is none. */
  readonly columns: number | undefined;
}

export interface Input {
  readonly isTerminal: boolean;
  /** All of it as text; rejects with `CliError` if it has more bytes. */
  readAll(bytesMax: number): Promise<string>;
  /** Bytes as they come, no faster than they are taken, until the end of input. */
  pieces(): AsyncIterable<Uint8Array>;
  /** The next line that the person types; undefined at the end of input. */
  readLine(signal: AbortSignal): Promise<string | undefined>;
  /** As `readLine`, of a person at a terminal, which does not show it. */
  readHidden(signal: AbortSignal): Promise<string | undefined>;
}

export interface TerminalSize {
  /** In characters. */
  readonly columns: number;
  readonly rows: number;
}

/** What can be done with the terminal beyond reading and writing; if there is none, nothing happens. */
export interface Terminal {
  size(): TerminalSize;
  /** Calls back after each change of size; returns how to stop. */
  onResize(listener: () => void): () => void;
  /**
   * From now on all keys come as input, as they are and without an echo; Ctrl-C is no signal any more. Returns how to
   * give them back, which also happens when the process ends.
   */
  takeKeys(): () => void;
}

export interface Clock {
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Never goes back, never jumps. */
  monotonicMs(): number;
  /** Rejects with the signal's reason once it is aborted. */
  sleep(durationMs: number, signal: AbortSignal): Promise<void>;
}

export interface World {
  /** What follows the program's name. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
  readonly currentFolder: string;
  readonly output: Output;
  readonly errors: Output;
  readonly input: Input;
  readonly terminal: Terminal;
  readonly clock: Clock;
  /** Aborted by Ctrl-C and its like, with an `Interruption`, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  readonly connect: (options: ConnectOptions) => CellClient;
  /** A name that nobody else has: letters, digits and "-". */
  readonly uniqueName: () => string;
}

/** Why a command was ended from outside, and the exit code that tells of it. */
export class Interruption extends Error {
  readonly exitCode: number;
  constructor(exitCode: number) {
    super('Interrupted');
    this.name = 'Interruption';
    this.exitCode = exitCode;
  }
}
