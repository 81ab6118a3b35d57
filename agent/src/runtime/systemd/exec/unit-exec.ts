import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { AgentError } from '../../../agent-error.ts';
import type { BesideResult, ExecInput, ExecOutput, ExecRequest, RunRequest } from '../../../ports.ts';
import type { SystemdManager } from '../systemd-manager.ts';
import { HelperFolder } from './helper-folder.ts';
import { type EnteredUnit, helperProperties, sizeOf } from './helper-unit.ts';
import { mergeOutput } from './merge-output.ts';

export interface UnitExecOptions {
  readonly manager: Pick<SystemdManager, 'startUnit' | 'stopUnit'>;
  /** Absolute, short (a socket's path has 107 bytes at most), root's own; emptied and made. */
  readonly folder: string;
  /** Undefined if that run does not run now. */
  readonly locate: (id: string, run: number) => Promise<EnteredUnit | undefined>;
}

const SESSIONS_MAX = 32;
const SESSIONS_OF_ALLOCATION_MAX = 8;
/** Places of health checks that are remembered; then all are forgotten, also those of what is gone. */
const CHECKED_MAX = 1_000;
/** Of a health check's output, the end is kept. */
const BESIDE_OUTPUT_BYTES_MAX = 512;
/** Beyond a health check's own timeout, by which the agent ends it: for when there is no agent. */
const BESIDE_SLACK_MS = 10_000;
/** A command that nobody wants any more is asked first, then killed; so long it may take in all. */
const ENDED_MS_MAX = 5_000;
const TERMINAL_TYPE = /^[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}$/;

/**
 * Runs commands in the cgroup and namespaces of running allocations, as their user, in their environment. The agent does
 * nothing of that itself: systemd runs a helper for each (see `enter-unit.sh`), which is connected with the agent by
 * sockets, and ends the command when the agent lets go of it or is gone.
 */
export class UnitExec {
  readonly #options: UnitExecOptions;
  /** Sessions by allocation. */
  readonly #sessions = new Map<string, number>();
  /** Where health checks were made last: they come every second, and systemd's answers are long. */
  readonly #checked = new Map<string, EnteredUnit & { readonly run: number }>();
  readonly #prefix = `cell-exec-${randomBytes(4).toString('hex')}`;
  #helpers = 0;

  static async open(options: UnitExecOptions): Promise<UnitExec> {
    // Helpers of an earlier agent have ended with it.
    await rm(options.folder, { recursive: true, force: true });
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    return new UnitExec(options);
  }

  private constructor(options: UnitExecOptions) {
    this.#options = options;
  }

  /** See `Runtime.exec`. */
  async *exec(request: ExecRequest, input: AsyncIterable<ExecInput>, signal: AbortSignal): AsyncIterable<ExecOutput> {
    this.#begin(request.id);
    try {
      const entered = await this.#locate(request.id, request.run);
      yield* this.#session(request, entered, input, signal);
    } finally {
      this.#end(request.id);
    }
  }

  /** See `Runtime.runBeside`. */
  async runBeside(request: RunRequest, timeoutMs: number): Promise<BesideResult> {
    const { folder, name } = this.#helper();
    const abort = new AbortController();
    try {
      const entered = await this.#locateChecked(request.id, request.run);
      await folder.make();
      const output = await folder.listen('out');
      const timer = setTimeout(() => abort.abort(), timeoutMs);
      try {
        await this.#start(name, folder, request, entered, {
          outputSocket: output.socket,
          errorSocket: output.socket,
          runMsMax: timeoutMs + BESIDE_SLACK_MS,
        });
        const result = await besideResult(await output.connection, folder, abort.signal, timeoutMs);
        if (result.exitCode === undefined) this.#checked.delete(request.id);
        return result;
      } finally {
        clearTimeout(timer);
      }
    } catch (error) {
      this.#checked.delete(request.id);
      return { exitCode: undefined, output: `it could not be run: ${(error as Error).message}` };
    } finally {
      if (abort.signal.aborted) await this.#options.manager.stopUnit(`${name}.service`);
      await folder.remove();
    }
  }

  async *#session(
    request: ExecRequest,
    entered: EnteredUnit,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): AsyncIterable<ExecOutput> {
    const { folder, name } = this.#helper();
    const sockets: Socket[] = [];
    const letGo = (): void => folder.closeControl();
    try {
      await folder.make();
      await folder.openControl();
      const [stdin, stdout, stderr] = await Promise.all(
        (['in', 'out', 'err'] as const).map((each) => folder.listen(each)),
      );
      const places = { inputSocket: stdin!.socket, outputSocket: stdout!.socket, errorSocket: stderr!.socket };
      await this.#start(name, folder, request, entered, places);
      sockets.push(...(await Promise.all([stdin!.connection, stdout!.connection, stderr!.connection])));
      signal.addEventListener('abort', letGo, { once: true });
      if (signal.aborted) letGo();
      void sendInput(sockets[0]!, folder, input).catch(() => undefined);
      yield* mergeOutput(sockets[1]!, sockets[2]!);
      if (!signal.aborted) yield { type: 'exit', exitCode: await exitCodeOf(folder, request.id) };
    } finally {
      signal.removeEventListener('abort', letGo);
      letGo();
      await this.#ended(name, sockets);
      await folder.remove();
    }
  }

  async #start(
    name: string,
    folder: HelperFolder,
    request: ExecRequest | RunRequest,
    entered: EnteredUnit,
    places: { inputSocket?: string; outputSocket: string; errorSocket: string; runMsMax?: number },
  ): Promise<void> {
    const terminal = 'terminal' in request ? request.terminal : undefined;
    const type = TERMINAL_TYPE.test(terminal?.type ?? '') ? terminal!.type : 'dumb';
    const { inputSocket, outputSocket, errorSocket, runMsMax } = places;
    await this.#options.manager.startUnit(
      `${name}.service`,
      helperProperties({
        entered,
        name,
        folder: folder.path,
        description: `Command in allocation ${request.id}`,
        command: request.command,
        environment: { ...request.environment, ...(terminal === undefined ? {} : { TERM: type }) },
        terminal,
        inputSocket,
        outputSocket,
        errorSocket,
        runMsMax,
      }),
    );
  }

  /** Both outputs are closed when nothing of the command is left; a helper that does not get there is stopped. */
  async #ended(name: string, sockets: readonly Socket[]): Promise<void> {
    const open = sockets.slice(1).filter((socket) => !socket.closed);
    for (const socket of open) socket.resume();
    const late = AbortSignal.timeout(ENDED_MS_MAX);
    try {
      await Promise.all(open.map((socket) => once(socket, 'close', { signal: late })));
      if (sockets.length === 0) await this.#options.manager.stopUnit(`${name}.service`);
    } catch {
      await this.#options.manager.stopUnit(`${name}.service`);
    }
    for (const socket of sockets) socket.destroy();
  }

  #helper(): { folder: HelperFolder; name: string } {
    this.#helpers += 1;
    const name = `${this.#prefix}-${this.#helpers}`;
    return { name, folder: new HelperFolder(join(this.#options.folder, `${this.#helpers}`)) };
  }

  async #locate(id: string, run: number): Promise<EnteredUnit> {
    const entered = await this.#options.locate(id, run);
    if (entered !== undefined && entered.mainPid > 0 && entered.controlGroup !== '') return entered;
    throw new AgentError('CELL_E_NOT_FOUND', `Could not run a command in allocation "${id}": it is not running`);
  }

  /** The helper sees for itself whether the main process is still the unit's. */
  async #locateChecked(id: string, run: number): Promise<EnteredUnit> {
    const known = this.#checked.get(id);
    if (known?.run === run) return known;
    const entered = await this.#locate(id, run);
    if (this.#checked.size >= CHECKED_MAX) this.#checked.clear();
    this.#checked.set(id, { ...entered, run });
    return entered;
  }

  #begin(id: string): void {
    const own = this.#sessions.get(id) ?? 0;
    const all = [...this.#sessions.values()].reduce((sum, count) => sum + count, 0);
    if (own >= SESSIONS_OF_ALLOCATION_MAX || all >= SESSIONS_MAX) {
      const where = own >= SESSIONS_OF_ALLOCATION_MAX ? `${own} run there` : `${all} run on this node`;
      throw new AgentError(
        'CELL_E_CANNOT_RUN',
        `Could not run a command in allocation "${id}": ${where}; end one first`,
      );
    }
    this.#sessions.set(id, own + 1);
  }

  #end(id: string): void {
    const left = (this.#sessions.get(id) ?? 1) - 1;
    if (left === 0) this.#sessions.delete(id);
    else this.#sessions.set(id, left);
  }
}

/** Until all is sent that there is. A command that has closed its input is sent nothing, which is no error. */
async function sendInput(socket: Socket, folder: HelperFolder, input: AsyncIterable<ExecInput>): Promise<void> {
  socket.on('error', () => undefined);
  socket.resume();
  for await (const each of input) {
    if (each.type === 'resize') folder.tell(sizeOf(each.terminal));
    else if (socket.destroyed) continue;
    else if (each.type === 'end') socket.end();
    else if (!socket.write(each.data)) await drained(socket);
  }
}

/** Or closed. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}

async function exitCodeOf(folder: HelperFolder, id: string): Promise<number> {
  const end = await folder.end();
  if (end !== undefined && 'exitCode' in end) return end.exitCode;
  const why = end === undefined ? 'its helper was ended' : end.refused;
  throw new AgentError('CELL_E_CANNOT_RUN', `Could not run a command in allocation "${id}": ${why}`);
}

async function besideResult(
  output: Socket,
  folder: HelperFolder,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<BesideResult> {
  let text = '';
  output.on('data', (data: Uint8Array) => {
    text = (text + Buffer.from(data).toString()).slice(-BESIDE_OUTPUT_BYTES_MAX);
  });
  try {
    if (!output.closed) await once(output, 'close', { signal });
  } catch {
    return { exitCode: undefined, output: `it did not end within ${timeoutMs} ms` };
  } finally {
    output.destroy();
  }
  const end = await folder.end();
  if (end === undefined) return { exitCode: undefined, output: 'it was ended' };
  if ('refused' in end) return { exitCode: undefined, output: `it could not be run: ${end.refused}` };
  return { exitCode: end.exitCode, output: text.trim() };
}
