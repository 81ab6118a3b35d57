import { setTimeout as sleep } from 'node:timers/promises';
import { AgentError } from '../../agent-error.ts';
import type {
  BesideResult,
  ExecInput,
  ExecOutput,
  ExecRequest,
  LogChunk,
  LogRequest,
  RunRequest,
  Runtime,
  Usage,
} from '../../ports.ts';
import { describeEnd } from '../../reconcile/describe.ts';
import type { Observed } from '../../reconcile/model.ts';
import { pretendedCommand } from './pretended-command.ts';

const LOOK_PERIOD_MS = 5;

/**
 * A runtime of pretended processes, for tests and for fleets of simulated nodes. Commands it knows: `exit CODE`,
 * `sleep` (until signalled), `ignore SIGNAL` (writes its name, then sleeps, deaf to it), `say TEXT` (writes it to stdout, then sleeps).
 * Anything else can't be run.
 */
export class MemoryRuntime implements Runtime {
  readonly name = 'memory';
  readonly #runs = new Map<string, PretendedRun>();
  readonly #listeners: ((id: string) => void)[] = [];

  capabilities(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  known(): readonly string[] {
    return [...this.#runs.keys()];
  }

  workFolder(id: string): string {
    return `/memory/${id}`;
  }

  start(request: RunRequest): Promise<void> {
    const before = this.#runs.get(request.id);
    if (before?.run === request.run) return Promise.resolve();
    const [program, argument = ''] = request.command;
    if (program === undefined || !PROGRAMS.has(program)) {
      const message = `Could not find the command "${program}"`;
      return Promise.reject(new AgentError('CELL_E_CANNOT_RUN', message));
    }
    const deafTo = program === 'ignore' ? argument : '';
    const said = program === 'say' || deafTo !== '' ? `${argument}\n` : '';
    const output = `${before?.output ?? ''}${said}`;
    this.#runs.set(request.id, { run: request.run, observed: { state: 'running' }, output, deafTo });
    this.#changed(request.id);
    if (program === 'exit') setImmediate(() => this.end(request.id, Number(argument)));
    return Promise.resolve();
  }

  observe(id: string, run: number): Observed {
    const found = this.#runs.get(id);
    return found?.run === run ? found.observed : { state: 'none' };
  }

  signal(id: string, signal: string): Promise<void> {
    if (this.#runs.get(id)?.deafTo !== signal) this.end(id, 128 + (SIGNAL_NUMBERS.get(signal) ?? 15));
    return Promise.resolve();
  }

  kill(id: string): Promise<void> {
    this.end(id, 128 + 9);
    return Promise.resolve();
  }

  usage(): Promise<ReadonlyMap<string, Usage>> {
    const running = [...this.#runs].filter(([, { observed }]) => observed.state === 'running');
    const usage = { cpuTimeMs: 0, memoryBytes: 1_048_576, processes: 1, readAtMs: 0 };
    return Promise.resolve(new Map(running.map(([id]) => [id, usage])));
  }

  runBeside(request: RunRequest): Promise<BesideResult> {
    const [program, argument] = request.command;
    const exitCode = program === 'exit' ? Number(argument) : undefined;
    const end = { state: 'ended', exitCode, cannotRun: '', message: '' } as const;
    return Promise.resolve({ exitCode, output: describeEnd(end) });
  }

  exec(request: ExecRequest, input: AsyncIterable<ExecInput>, signal: AbortSignal): AsyncIterable<ExecOutput> {
    const { id, run } = request;
    if (this.observe(id, run).state === 'running') return pretendedCommand(request, input, signal);
    throw new AgentError('CELL_E_NOT_FOUND', `Could not run a command in allocation "${id}": it is not running`);
  }

  async *readLogs(id: string, request: LogRequest, signal: AbortSignal): AsyncIterable<LogChunk> {
    const run = this.#runs.get(id);
    if (run === undefined) throw new AgentError('CELL_E_NOT_FOUND', `Could not read the output of allocation "${id}"`);
    const lines = run.output.split(/(?<=\n)/);
    const tail = request.tailLines === undefined ? lines : lines.slice(Math.max(0, lines.length - request.tailLines));
    if (tail.length > 0 && request.stream !== 'stderr') yield { stream: 'stdout', data: Buffer.from(tail.join('')) };
    while (request.follow && !signal.aborted && (run.observed.state !== 'ended' || request.mayGoOn())) {
      await sleep(LOOK_PERIOD_MS);
    }
  }

  remove(id: string): Promise<void> {
    this.#runs.delete(id);
    return Promise.resolve();
  }

  onChange(listener: (id: string) => void): void {
    this.#listeners.push(listener);
  }

  close(): Promise<void> {
    this.#listeners.length = 0;
    return Promise.resolve();
  }

  /** Ends a pretended process, as if by itself. */
  end(id: string, exitCode: number): void {
    const run = this.#runs.get(id);
    if (run?.observed.state !== 'running') return;
    run.observed = { state: 'ended', exitCode, cannotRun: '', message: '' };
    this.#changed(id);
  }

  #changed(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }
}

interface PretendedRun {
  readonly run: number;
  observed: Observed;
  readonly output: string;
  readonly deafTo: string;
}

const PROGRAMS: ReadonlySet<string> = new Set(['exit', 'sleep', 'ignore', 'say']);
const SIGNAL_NUMBERS: ReadonlyMap<string, number> = new Map([
  ['SIGHUP', 1],
  ['SIGINT', 2],
  ['SIGQUIT', 3],
  ['SIGTERM', 15],
]);
