import { randomUUID } from 'node:crypto';
import { constants, homedir } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@cell/sdk';
import { CliError } from './cli-error.ts';
import { readHidden } from './read-hidden.ts';
import { realTerminal } from './real-terminal.ts';
import { type Clock, type Input, Interruption, type Output, type World } from './world.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The process as the world; `end` resolves once all output has left. */
export function realWorld(): { readonly world: World; readonly end: () => Promise<void> } {
  const interruption = new AbortController();
  for (const name of STOP_SIGNALS) {
    process.on(name, () => {
      const exitCode = 128 + constants.signals[name];
      // Who asks twice does not want to wait for an orderly end.
      if (interruption.signal.aborted) process.exit(exitCode);
      interruption.abort(new Interruption(exitCode));
    });
  }
  const closed = () => interruption.abort(new Error('Nobody reads the output'));
  const output = streamOutput(process.stdout, closed);
  const errors = streamOutput(process.stderr, () => {});
  const world: World = {
    arguments: process.argv.slice(2),
    environment: process.env,
    homeFolder: homedir(),
    currentFolder: process.cwd(),
    output,
    errors,
    input: standardInput(),
    terminal: realTerminal,
    clock: realClock,
    signal: interruption.signal,
    connect,
    uniqueName: () => randomUUID(),
  };
  return {
    world,
    async end() {
      await Promise.all([output.write(''), errors.write('')]);
    },
  };
}

const realClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(durationMs, signal) {
    try {
      await sleep(durationMs, undefined, { signal });
    } catch (error) {
      throw signal.aborted ? (signal.reason as Error) : error;
    }
  },
};

function streamOutput(stream: NodeJS.WriteStream, onClosed: () => void): Output {
  let open = true;
  // Such as EPIPE, when the reader of a pipe has gone.
  stream.on('error', () => {
    open = false;
    onClosed();
  });
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.isTTY === true ? stream.columns : undefined;
    },
    write(data) {
      if (!open) return Promise.resolve();
      return new Promise((resolve) => {
        stream.write(data, () => resolve());
      });
    },
  };
}

function standardInput(): Input {
  return {
    isTerminal: process.stdin.isTTY === true,
    async readAll(bytesMax) {
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > bytesMax) throw new CliError('CELL_E_FILE', `Standard input has more than ${bytesMax} bytes`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString('utf8');
    },
    pieces: () => process.stdin as AsyncIterable<Uint8Array>,
    readLine(signal) {
      const lines = createInterface({ input: process.stdin });
      return new Promise((resolve, reject) => {
        const abort = () => {
          lines.close();
          reject(signal.reason as Error);
        };
        signal.addEventListener('abort', abort, { once: true });
        lines.once('line', (line) => {
          signal.removeEventListener('abort', abort);
          resolve(line);
          lines.close();
        });
        lines.once('close', () => resolve(undefined));
      });
    },
    readHidden: (signal) => readHidden(process.stdin, realTerminal, signal),
  };
}
