import { once } from 'node:events';
import { AgentError } from '../../agent-error.ts';
import type { ExecInput, ExecOutput, ExecRequest } from '../../ports.ts';

/**
 * A pretended command in a pretended process. Commands it knows: `exit CODE`, `say TEXT` (to standard output), `complain TEXT`
 * (to standard error), `cat` (what it reads, until its input ends), `size` (of the terminal, and each new one, until its
 * input ends), `sleep` (until nobody wants it any more). Anything else ends with 127.
 */
export async function* pretendedCommand(
  request: ExecRequest,
  input: AsyncIterable<ExecInput>,
  signal: AbortSignal,
): AsyncIterable<ExecOutput> {
  const [program = '', argument = ''] = request.command;
  switch (program) {
    case 'exit':
      return yield exit(Number(argument));
    case 'say':
      yield written('stdout', argument);
      return yield exit(0);
    case 'complain':
      yield written('stderr', argument);
      return yield exit(0);
    case 'cat':
    case 'size':
      yield* reading(request, input, signal);
      if (!signal.aborted) yield exit(0);
      return;
    case 'sleep':
      if (!signal.aborted) await once(signal, 'abort');
      return;
    default:
      yield written('stderr', `Could not find the command "${program}"`);
      yield exit(127);
  }
}

async function* reading(
  { command, terminal }: ExecRequest,
  input: AsyncIterable<ExecInput>,
  signal: AbortSignal,
): AsyncIterable<ExecOutput> {
  const [program] = command;
  if (program === 'size') {
    const why = 'Could not tell the size of the terminal: there is none';
    if (terminal === undefined) throw new AgentError('CELL_E_CANNOT_RUN', why);
    yield written('stdout', `${terminal.columns} ${terminal.rows}`);
  }
  for await (const each of input) {
    if (signal.aborted || each.type === 'end') return;
    if (program === 'cat' && each.type === 'data') yield { type: 'stdout', data: each.data };
    if (program === 'size' && each.type === 'resize') {
      yield written('stdout', `${each.terminal.columns} ${each.terminal.rows}`);
    }
  }
}

function written(type: 'stdout' | 'stderr', text: string): ExecOutput {
  return { type, data: Buffer.from(`${text}\n`) };
}

function exit(exitCode: number): ExecOutput {
  return { type: 'exit', exitCode };
}
