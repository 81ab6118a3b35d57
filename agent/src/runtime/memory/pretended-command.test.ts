import { expect, test } from 'vitest';
import type { ExecInput, ExecOutput } from '../../ports.ts';
import { runRequest } from '../../testing/run-request.ts';
import { MemoryRuntime } from './memory-runtime.ts';

async function run(command: string[], inputs: ExecInput[] = [], columns = 80): Promise<string[]> {
  const runtime = new MemoryRuntime();
  await runtime.start(runRequest({ id: 'a', run: 1, command: ['sleep'] }));
  const terminal = { type: 'xterm', columns, rows: 24 };
  async function* input(): AsyncIterable<ExecInput> {
    for (const each of inputs) yield await Promise.resolve(each);
  }
  const request = { id: 'a', run: 1, command, environment: {}, terminal };
  const shown: string[] = [];
  for await (const output of runtime.exec(request, input(), new AbortController().signal)) shown.push(show(output));
  return shown;
}

function show(output: ExecOutput): string {
  return output.type === 'exit' ? `exit ${output.exitCode}` : `${output.type} ${Buffer.from(output.data).toString()}`;
}

const data = (text: string): ExecInput => ({ type: 'data', data: Buffer.from(text) });
const END: ExecInput = { type: 'end' };

test.each<[string[], ExecInput[], string[]]>([
  [['exit', '3'], [], ['exit 3']],
  [['say', 'hello'], [], ['stdout hello\n', 'exit 0']],
  [['complain', 'hello'], [], ['stderr hello\n', 'exit 0']],
  [['cat'], [data('a'), data('b'), END, data('c')], ['stdout a', 'stdout b', 'exit 0']],
  [
    ['size'],
    [{ type: 'resize', terminal: { type: 'xterm', columns: 100, rows: 30 } }, END],
    ['stdout 80 24\n', 'stdout 100 30\n', 'exit 0'],
  ],
  [['unknown'], [], ['stderr Could not find the command "unknown"\n', 'exit 127']],
])('%j is pretended', async (command, inputs, expected) => {
  expect(await run(command, inputs)).toEqual(expected);
});

test('nothing is pretended in what does not run', () => {
  const request = { id: 'b', run: 1, command: ['exit', '0'], environment: {}, terminal: undefined };
  const input = (async function* (): AsyncIterable<ExecInput> {})();
  expect(() => new MemoryRuntime().exec(request, input, new AbortController().signal)).toThrow('not running');
});
