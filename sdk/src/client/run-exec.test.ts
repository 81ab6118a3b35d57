import type { ExecRequest } from '@cell/proto';
import { expect, onTestFinished, test } from 'vitest';
import type { CellClient } from './connect.ts';
import { connectPlain } from './testing/connect-plain.ts';
import { codedError, type FakeControlPlane, startFakeControlPlane } from './testing/fake-control-plane.ts';

interface Call {
  on(event: 'data' | 'cancelled', listener: (request: ExecRequest) => void): void;
  pause(): void;
  write(message: object, taken?: () => void): boolean;
  end(): void;
  emit(event: 'error', error: Error): void;
}

async function member(onMessage: (call: Call, said: string) => void) {
  const said: string[] = [];
  const exec = (call: Call) => {
    call.on('cancelled', () => said.push('cancelled'));
    call.on('data', ({ message }) => {
      const text = message.case === 'input' ? String(message.value.input.case) : String(message.case);
      said.push(text);
      onMessage(call, text);
    });
  };
  const fake = await startFakeControlPlane({ exec });
  onTestFinished(() => fake.end());
  return { said, fake };
}

function client(...members: readonly { readonly fake: FakeControlPlane }[]): CellClient {
  const made = connectPlain({ addresses: members.map(({ fake }) => fake.address), timeoutMs: 10_000 });
  onTestFinished(() => made.close());
  return made;
}

const start = { allocationId: 'a', command: ['cat'] };
const out = (value: Uint8Array) => ({ output: { output: { case: 'stdout', value } } });
const exit = (value: number) => ({ output: { output: { case: 'exitCode', value } } });

async function* inputs(...kinds: ('data' | 'end')[]) {
  for (const kind of kinds) {
    yield kind === 'data'
      ? { input: { case: 'data' as const, value: new Uint8Array(65_536) } }
      : { input: { case: 'end' as const, value: true } };
  }
}

async function endOf(outputs: AsyncIterable<{ output: { case: string | undefined; value?: unknown } }>) {
  const kinds: string[] = [];
  for await (const { output } of outputs)
    kinds.push(output.case === 'exitCode' ? `exit ${String(output.value)}` : `${output.case}`);
  return kinds;
}

test('input is given once the command is taken on, and its exit code is the last of the output', async () => {
  const one = await member((call, text) => {
    if (text === 'start') call.write({});
    if (text === 'data') call.write(out(Buffer.from('x')));
    if (text === 'end') call.write(exit(3));
  });
  expect(await endOf(client(one).exec(start, inputs('data', 'end')))).toEqual(['stdout', 'exit 3']);
  await expect.poll(() => one.said).toEqual(['start', 'data', 'end', 'cancelled']);
});

test('a first answer with output is one too', async () => {
  const one = await member((call) => call.write(exit(0)));
  expect(await endOf(client(one).exec(start, inputs()))).toEqual(['exit 0']);
});

test('a member that can not be reached is passed over, one that gives the call up is not', async () => {
  const down = await member(() => {});
  down.fake.crash();
  const up = await member((call) => call.write(exit(0)));
  expect(await endOf(client(down, up).exec(start, inputs()))).toEqual(['exit 0']);
  const dying: Awaited<ReturnType<typeof member>> = await member(() => dying.fake.crash());
  const second = await member((call) => call.write(exit(0)));
  await expect(endOf(client(dying, second).exec(start, inputs()))).rejects.toMatchObject({
    code: 'CELL_E_CONNECTION_LOST',
  });
  expect(second.said).toEqual([]);
});

test('errors come with their code, before and after the command began', async () => {
  const refusing = await member((call) => call.emit('error', codedError('CELL_E_NOT_RUNNING', 'Ended')));
  await expect(endOf(client(refusing).exec(start, inputs()))).rejects.toMatchObject({ code: 'CELL_E_NOT_RUNNING' });
  const losing = await member((call, text) => {
    if (text === 'start') call.write({});
    else call.emit('error', codedError('CELL_E_NODE_UNREACHABLE', 'Gone'));
  });
  const lost = endOf(client(losing).exec(start, inputs('data')));
  await expect(lost).rejects.toMatchObject({ code: 'CELL_E_NODE_UNREACHABLE' });
  const silent = await member((call) => {
    call.write({});
    call.end();
  });
  await expect(endOf(client(silent).exec(start, inputs()))).rejects.toMatchObject({ code: 'CELL_E_CONNECTION_LOST' });
});

test('what the input rejects with ends the command and comes to the caller', async () => {
  const one = await member((call) => call.write({}));
  const broken = async function* () {
    yield* inputs('data');
    throw new Error('No such file');
  };
  await expect(endOf(client(one).exec(start, broken()))).rejects.toThrow('No such file');
  await expect.poll(() => one.said.at(-1)).toBe('cancelled');
});

test('the command ends when its reader stops, and when the signal aborts, with the reason', async () => {
  const one = await member((call) => call.write(out(Buffer.from('x'))));
  for await (const _ of client(one).exec(start, inputs())) break;
  await expect.poll(() => one.said).toEqual(['start', 'cancelled']);
  const controller = new AbortController();
  const outputs = client(one).exec(start, inputs(), { signal: controller.signal })[Symbol.asyncIterator]();
  await outputs.next();
  const waiting = outputs.next();
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect.poll(() => one.said).toEqual(['start', 'cancelled', 'start', 'cancelled']);
  await expect(endOf(client(one).exec(start, inputs(), { signal: controller.signal }))).rejects.toThrow('enough');
});

test('input is read no faster than the member takes it', async () => {
  const one = await member((call, text) => {
    if (text === 'start') call.write({});
    else call.pause();
  });
  let given = 0;
  const endless = async function* () {
    for (; ; given += 1) yield* inputs('data');
  };
  const outputs = client(one).exec(start, endless())[Symbol.asyncIterator]();
  const first = outputs.next();
  let before = -1;
  const standsStill = () => {
    const still = given === before;
    before = given;
    return still && given > 0;
  };
  await expect.poll(standsStill, { interval: 200, timeout: 10_000 }).toBe(true);
  expect(given).toBeLessThan(200);
  one.fake.crash();
  await expect(first).rejects.toMatchObject({ code: 'CELL_E_CONNECTION_LOST' });
});
