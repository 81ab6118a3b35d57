/** A command in an allocation, as far as cellctl sees of one. */
import type { ExecRequest } from '@cell/sdk';

export interface ExecCall {
  on(event: 'data', listener: (request: ExecRequest) => void): void;
  on(event: 'cancelled', listener: () => void): void;
  write(message: object): void;
  end(): void;
  emit(event: 'error', error: Error): void;
}

/** A command that says how it was called and what it was given, and then does as `onInput` says. */
export function command(onInput: (call: ExecCall, said: string) => void = echo) {
  const said: string[] = [];
  const exec = (call: ExecCall) => {
    call.on('cancelled', () => said.push('cancelled'));
    call.on('data', ({ message }) => {
      const text = describe(message);
      said.push(text);
      if (message.case === 'start') call.write({});
      onInput(call, text);
    });
  };
  return { said, handlers: { exec: exec as never } };
}

function describe(message: ExecRequest['message']): string {
  if (message.case === 'start') {
    const { allocationId, command: words, terminal } = message.value;
    const shape = terminal === undefined ? 'pipes' : `${terminal.type} ${terminal.columns}x${terminal.rows}`;
    return `${allocationId}: ${words.join(' ')} (${shape})`;
  }
  const input = message.case === 'input' ? message.value.input : undefined;
  if (input?.case === 'data') return `data ${Buffer.from(input.value).toString()}`;
  return input?.case === 'resize' ? `resize ${input.value.columns}x${input.value.rows}` : 'end';
}

/** Writes what it is given, and ends with 7 when that ends. */
function echo(call: ExecCall, said: string): void {
  if (said.startsWith('data ')) {
    write(call, 'stdout', said.slice(5));
    write(call, 'stderr', 'heard');
  }
  if (said === 'end') exit(call, 7);
}

function write(call: ExecCall, kind: 'stdout' | 'stderr', text: string): void {
  call.write({ output: { output: { case: kind, value: Buffer.from(text) } } });
}

export function exit(call: ExecCall, code: number): void {
  call.write({ output: { output: { case: 'exitCode', value: code } } });
  call.end();
}
