/** Commands that members ask for, and what is said in their streams. */
import { once } from 'node:events';
import { Client, credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AgentError } from '../agent-error.ts';
import type { ExecInput, ExecOutput } from '../ports.ts';
import { silentLog } from '../testing/silent-log.ts';
import { until } from '../testing/until.ts';
import { ExecServer, type RunCommand } from './serve-exec.ts';
import { FakeMember } from './testing/fake-member.ts';

let transcript: string[];
let first: FakeMember;
let client: Client;
let commands: ExecServer;
let served: Promise<void>;

beforeEach(async () => {
  transcript = [];
  first = new FakeMember('first', transcript);
  await first.listen();
  client = new Client(first.address, credentials.createInsecure());
  commands = new ExecServer(silentLog);
});
afterEach(async () => {
  commands.close();
  await served;
  client.close();
  first.close();
});

const said = (line: string): Promise<true> => until(() => transcript.includes(line) || undefined);

/** Whether the command has heard that nobody wants it. */
let wantedNoMore: boolean;

async function* echo(input: AsyncIterable<ExecInput>, signal: AbortSignal): AsyncIterable<ExecOutput> {
  signal.addEventListener('abort', () => {
    wantedNoMore = true;
  });
  for await (const each of input) {
    if (each.type === 'end') break;
    if (each.type === 'resize') yield { type: 'stderr', data: Buffer.from(`${each.terminal.columns}`) };
    else yield { type: 'stdout', data: each.data };
  }
  if (!signal.aborted) yield { type: 'exit', exitCode: 3 };
}

async function serve(run: RunCommand): Promise<void> {
  wantedNoMore = false;
  served = commands.serve(client, 'e1', run);
  await said('first: exec stream opens');
}

test('a command has a stream of its own, which names the request, for both directions', async () => {
  await serve(echo);
  first.execStream?.write({ input: { input: { case: 'data', value: Buffer.from('one') } } });
  const terminal = { type: 'xterm', columns: 132, rows: 50 };
  first.execStream?.write({ input: { input: { case: 'resize', value: terminal } } });
  first.execStream?.write({ input: { input: { case: 'end', value: true } } });
  await said('first: exec stream ends');
  const [request, ...rest] = first.execs;
  expect([request?.requestId, request?.output]).toEqual(['e1', undefined]);
  expect(rest.map(({ output }) => [output?.output.case, String(output?.output.value)])).toEqual([
    ['stdout', 'one'],
    ['stderr', '132'],
    ['exitCode', '3'],
  ]);
});

test('a command that can not be run is said to be so', async () => {
  await serve(() => {
    throw new AgentError('CELL_E_NOT_FOUND', 'It is not running');
  });
  await said('first: exec stream ends');
  expect(first.execs.at(-1)?.error).toBe('CELL_E_NOT_FOUND: It is not running');
});

test.each<[string, (stream: NonNullable<FakeMember['execStream']>) => unknown]>([
  ['ends', (stream) => stream.end()],
  ['breaks', (stream) => stream.emit('error', { code: 1, details: 'the reader has gone' })],
])('a command ends when its stream %s', async (_what, leave) => {
  await serve(echo);
  leave(first.execStream!);
  await until(() => wantedNoMore || undefined);
});

test('a command that reads nothing holds up what it is sent, and hears all the same that it is wanted no more', async () => {
  await serve(async function* (_input, signal) {
    yield { type: 'stdout', data: Buffer.from('deaf') };
    await once(signal, 'abort');
    wantedNoMore = true;
  });
  const value = new Uint8Array(65_536);
  let sent = 0;
  while (sent < 500 && first.execStream!.write({ input: { input: { case: 'data', value } } })) sent += 1;
  expect(sent).toBeLessThan(500);
  first.execStream!.emit('error', { code: 1, details: 'the reader has gone' });
  await until(() => wantedNoMore || undefined);
});

test('what a command writes waits for its reader', async () => {
  let written = 0;
  first.readsExecs = false;
  await serve(async function* () {
    for (; written < 2_000; written += 1) {
      yield await Promise.resolve({ type: 'stdout', data: new Uint8Array(65_536) } as const);
    }
  });
  await until(() => written > 2 || undefined);
  let before = -1;
  await until(() => {
    const still = before === written;
    before = written;
    return still || undefined;
  });
  expect(written).toBeLessThan(200);
});
