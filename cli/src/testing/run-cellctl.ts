/** Runs the program in this process: a world of the test's own, against a real gRPC server with the test's answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { makeToken, tokenText } from '@cell/identity';
import { connectPlain, type FakeControlPlane, type FakeHandlers, startFakeControlPlane } from '@cell/sdk/testing';
import { allCommands } from '../commands/all-commands.ts';
import { textWidth } from '../output/cell-text.ts';
import { runCommandLine } from '../run-command-line.ts';
import type { Terminal, World } from '../world.ts';

export interface CellctlOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** What stands on standard input; each line is also an answer to a question. */
  readonly input?: string;
  /** A terminal with a person; its width in characters. */
  readonly terminalColumns?: number;
  readonly terminal?: Terminal;
  readonly signal?: AbortSignal;
  readonly homeFolder?: string;
  readonly currentFolder?: string;
  /** Default: in plain text. */
  readonly connect?: World['connect'];
  /** The wall clock; default: `NOW_MS`. */
  readonly nowMs?: number;
}

export interface CellctlResult {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** Of nobody. */
export const TOKEN = tokenText(makeToken('access', '00'.repeat(32)));

/** Tests see the same ages whenever they run. */
export const NOW_MS = Date.UTC(2026, 0, 2, 12, 0, 0);

/** A point in time some seconds before `NOW_MS`, as the contract sends it. */
export function secondsAgo(seconds: number): { readonly seconds: bigint; readonly nanos: number } {
  return { seconds: BigInt(NOW_MS / 1000 - seconds), nanos: 0 };
}

/** Runs with a control plane that answers as the handlers do. */
export async function runCellctl(
  words: readonly string[],
  handlers: FakeHandlers,
  options: CellctlOptions = {},
): Promise<CellctlResult & { readonly calls: readonly string[] }> {
  const controlPlane: FakeControlPlane = await startFakeControlPlane(handlers);
  try {
    const environment = { CELL_ADDR: controlPlane.address, CELL_TOKEN: TOKEN, ...options.environment };
    const result = await runAlone(words, { ...options, environment });
    return { ...result, calls: controlPlane.calls };
  } finally {
    controlPlane.end();
  }
}

/** Runs without any control plane. */
export async function runAlone(words: readonly string[], options: CellctlOptions = {}): Promise<CellctlResult> {
  const written = { output: '', errors: '' };
  const answers = (options.input ?? '').split('\n');
  const stream = (name: 'output' | 'errors') => ({
    isTerminal: options.terminalColumns !== undefined,
    columns: options.terminalColumns,
    write: async (data: string | Uint8Array) => {
      written[name] += typeof data === 'string' ? data : Buffer.from(data).toString();
    },
  });
  const world: World = {
    arguments: words,
    environment: options.environment ?? {},
    homeFolder: options.homeFolder ?? '/nonexistent',
    currentFolder: options.currentFolder ?? '/nonexistent',
    output: stream('output'),
    errors: stream('errors'),
    input: {
      isTerminal: options.terminalColumns !== undefined,
      pieces: async function* () {
        if (options.input !== undefined) yield Buffer.from(options.input);
      },
      readAll: async () => options.input ?? '',
      readLine: async () => answers.shift(),
      readHidden: async () => answers.shift(),
    },
    terminal: options.terminal ?? {
      size: () => ({ columns: options.terminalColumns ?? 80, rows: 24 }),
      onResize: () => () => {},
      takeKeys: () => () => {},
    },
    clock: {
      wallMs: () => options.nowMs ?? NOW_MS,
      monotonicMs: () => performance.now(),
      // Waits are shorter than they say, so that tests are.
      sleep: async (durationMs, signal) => {
        await sleep(Math.min(5, durationMs));
        signal.throwIfAborted();
      },
    },
    signal: options.signal ?? new AbortController().signal,
    connect: options.connect ?? connectPlain,
    uniqueName: () => 'drill-1',
  };
  const exitCode = await runCommandLine(world, allCommands);
  return { exitCode, ...written };
}

/** The longest line, without colours. */
export function widthOf(text: string): number {
  return Math.max(...text.split('\n').map((line) => textWidth(stripVTControlCharacters(line))));
}
