import { create } from '@bufbuild/protobuf';
import { type ExecOutput, ExecOutputSchema } from '@cell/proto';
import { CellError } from '../../cell-error.ts';
import type { ExecMessage } from '../../ports.ts';

/**
 * Runs nothing: writes the command, then all that it is given, and ends with the number of inputs. "flood" writes until
 * its reader goes, "idle" reads nothing, and in the allocation "elsewhere" nothing can be run. `log` is told how it ends.
 */
export async function* echoExec(
  messages: AsyncIterator<ExecMessage>,
  signal: AbortSignal,
  log: (line: string) => void,
): AsyncIterable<ExecOutput | undefined> {
  const { message } = (await messages.next()).value as ExecMessage;
  if (message.case !== 'start' || message.value.allocationId === 'elsewhere') {
    throw new CellError('CELL_E_NO_SESSION', 'Its agent is elsewhere');
  }
  const { promise: aborted, resolve: abort } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => abort(), { once: true });
  void aborted.then(() => log('exec aborted'));
  yield undefined;
  const [program] = message.value.command;
  if (program === 'idle') {
    await aborted;
    return;
  }
  for (let count = 1; program === 'flood' && !signal.aborted; count += 1) {
    log(`wrote ${count}`);
    yield out('stdout', Buffer.alloc(64 * 1024));
  }
  yield out('stdout', Buffer.from(message.value.command.join(' ')));
  let inputs = 0;
  for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
    const input = next.value.message.case === 'input' ? next.value.message.value.input : undefined;
    inputs += 1;
    if (input?.case === 'data') yield out('stderr', input.value);
    if (input?.case !== 'end') continue;
    yield create(ExecOutputSchema, { output: { case: 'exitCode', value: inputs } });
    return;
  }
}

function out(name: 'stdout' | 'stderr', value: Uint8Array): ExecOutput {
  return create(ExecOutputSchema, { output: { case: name, value } as { case: 'stdout'; value: Uint8Array } });
}
