import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AgentError } from '../../../agent-error.ts';

const CONNECT_MS_MAX = 10_000;
const OWNER_ONLY = 0o700;

/** What the agent and a helper share: sockets of the command, a FIFO that says whether it is wanted, and how it ended. */
export class HelperFolder {
  readonly path: string;
  readonly #servers: Server[] = [];
  #control: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  async make(): Promise<void> {
    await mkdir(this.path, { mode: OWNER_ONLY });
  }

  /** The command ends when it is closed, also by the end of this process. */
  async openControl(): Promise<void> {
    const path = join(this.path, 'control');
    await promisify(execFile)('mkfifo', ['-m', '600', path]);
    // Reading, too, so that opening it waits for nobody.
    this.#control = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  closeControl(): void {
    if (this.#control !== undefined) closeSync(this.#control);
    this.#control = undefined;
  }

  /** Tells the helper something; does nothing if it is not listening any more. */
  tell(line: string): void {
    if (this.#control === undefined) return;
    try {
      writeSync(this.#control, `${line}\n`);
    } catch {
      // It has not read for so long that the pipe is full: the next word counts.
    }
  }

  /** Listens on a socket for one connection. Each is shut down in one direction by systemd. */
  async listen(name: 'in' | 'out' | 'err'): Promise<{ readonly socket: string; readonly connection: Promise<Socket> }> {
    const socket = join(this.path, name);
    const server = createServer({ allowHalfOpen: name === 'in' });
    this.#servers.push(server);
    const connection = new Promise<Socket>((resolve, reject) => {
      const late = setTimeout(() => reject(unconnected()), CONNECT_MS_MAX);
      server.once('connection', (accepted) => {
        clearTimeout(late);
        server.close();
        resolve(accepted);
      });
      server.once('close', () => {
        clearTimeout(late);
        reject(unconnected());
      });
    });
    // Whoever waits for it is told; it is nobody's if something else has failed.
    connection.catch(() => undefined);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket, resolve);
    });
    return { socket, connection };
  }

  /** How it ended: an exit code, or why it was not run. Undefined if it could not even say that. */
  async end(): Promise<{ readonly exitCode: number } | { readonly refused: string } | undefined> {
    const refused = await this.#read('refused');
    if (refused !== '') return { refused };
    const exitCode = await this.#read('exit');
    return exitCode === '' ? undefined : { exitCode: Number(exitCode) };
  }

  async remove(): Promise<void> {
    this.closeControl();
    for (const server of this.#servers) server.close();
    await rm(this.path, { recursive: true, force: true });
  }

  #read(name: string): Promise<string> {
    return readFile(join(this.path, name), 'utf8').then(
      (text) => text.trim(),
      () => '',
    );
  }
}

function unconnected(): AgentError {
  return new AgentError('CELL_E_CANNOT_RUN', 'Could not run a command in an allocation: its helper did not connect');
}
