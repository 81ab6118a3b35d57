import { afterEach, expect, test } from 'vitest';
import type { CellClient } from './connect.ts';
import { connectPlain } from './testing/connect-plain.ts';
import { type FakeControlPlane, type FakeHandlers, startFakeControlPlane } from './testing/fake-control-plane.ts';

interface Said {
  readonly commands: readonly { readonly id: bigint; readonly command: { readonly value: { sequence: bigint } } }[];
}

interface Stream {
  on(event: 'data', listener: (message: Said) => void): void;
  on(event: 'end', listener: () => void): void;
  write(message: object): void;
  end(): void;
}

const ends: (() => void)[] = [];

afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function start(onStream: (stream: Stream) => void): Promise<{ client: CellClient; server: FakeControlPlane }> {
  const handlers: FakeHandlers = { submitCommands: (stream: never) => onStream(stream) };
  const server = await startFakeControlPlane(handlers);
  const client = connectPlain({ addresses: [server.address], timeoutMs: 5_000 });
  ends.push(
    () => client.close(),
    () => server.end(),
  );
  return { client, server };
}

const written = (id: bigint, index: bigint) => ({ id, outcome: { case: 'writeMark', value: { index } } });
const mark = (sequence: number) => ({ drillId: 'd', sequence: BigInt(sequence) });

test('answers find their callers in whatever order they come, and what is said at once goes in one message', async () => {
  const sizes: number[] = [];
  const { client } = await start((stream) => {
    stream.on('end', () => stream.end());
    stream.on('data', ({ commands }) => {
      sizes.push(commands.length);
      const outcomes = commands.map(({ id, command }) => written(id, command.value.sequence + 100n));
      stream.write({ outcomes: outcomes.reverse() });
    });
  });
  const commands = await client.openCommandStream();
  const answers = await Promise.all([0, 1, 2].map((sequence) => commands.writeMark(mark(sequence))));
  expect(answers.map(({ index }) => index)).toEqual([100n, 101n, 102n]);
  expect(sizes).toEqual([3]);
  await commands.close();
  await expect(commands.writeMark(mark(3))).rejects.toMatchObject({ code: expect.stringMatching(/^CELL_E_/) });
});

test('a refusal rejects its own caller alone', async () => {
  const { client } = await start((stream) => {
    stream.on('data', ({ commands }) => {
      const [first, second] = commands as [Said['commands'][0], Said['commands'][0]];
      const value = { code: 'CELL_E_CONFLICT', message: 'no' };
      stream.write({ outcomes: [{ id: first.id, outcome: { case: 'refusal', value } }, written(second.id, 1n)] });
    });
  });
  const commands = await client.openCommandStream();
  const [refused, taken] = await Promise.allSettled([commands.writeMark(mark(0)), commands.writeMark(mark(1))]);
  expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'CELL_E_CONFLICT', message: 'no' } });
  expect(taken).toMatchObject({ status: 'fulfilled' });
});

test('no more than 1,024 commands are on their way, and the rest follows the answers', async () => {
  let open = 0;
  let openMost = 0;
  const { client } = await start((stream) => {
    stream.on('data', ({ commands }) => {
      open += commands.length;
      openMost = Math.max(openMost, open);
      setImmediate(() => {
        open -= commands.length;
        stream.write({ outcomes: commands.map(({ id }) => written(id, 1n)) });
      });
    });
  });
  const commands = await client.openCommandStream();
  await Promise.all(Array.from({ length: 3_000 }, (_, sequence) => commands.writeMark(mark(sequence))));
  expect(openMost).toBe(1_024);
});

test('when the stream breaks, the outcome of what was sent is unknown and what was not sent says so', async () => {
  const { client, server } = await start((stream) => {
    stream.on('data', () => server.crash());
  });
  const commands = await client.openCommandStream();
  const all = await Promise.allSettled(
    Array.from({ length: 1_025 }, (_, sequence) => commands.writeMark(mark(sequence))),
  );
  const codes = all.map((each) => (each.status === 'rejected' ? (each.reason as { code: string }).code : 'answered'));
  expect(new Set(codes.slice(0, 1_024))).toEqual(new Set(['CELL_E_OUTCOME_UNKNOWN']));
  expect(codes[1_024]).toBe('CELL_E_CONNECTION_LOST');
  await expect(commands.writeMark(mark(2_000))).rejects.toMatchObject({ code: 'CELL_E_CONNECTION_LOST' });
  await commands.close();
});

test('without a member that can be reached no stream is opened', async () => {
  const { client, server } = await start(() => {});
  server.crash();
  await expect(client.openCommandStream({ timeoutMs: 500 })).rejects.toMatchObject({ code: 'CELL_E_UNREACHABLE' });
});

test('large jobs that are submitted at once go in as many messages as a member takes, and one too large goes in none', async () => {
  const sizes: number[] = [];
  const { client } = await start((stream) => {
    stream.on('data', ({ commands }) => {
      sizes.push(commands.length);
      const submitted = { case: 'submitJob', value: { version: 1n, index: 1n, unchanged: false } };
      stream.write({ outcomes: commands.map(({ id }) => ({ id, outcome: submitted })) });
    });
  });
  const commands = await client.openCommandStream();
  const job = (bytes: number) => commands.submitJob({ spec: { name: 'large', command: ['x'.repeat(bytes)] } });
  const tooLarge = expect(job(3 * 1024 * 1024)).rejects.toMatchObject({ code: 'CELL_E_LIMIT' });
  const answers = await Promise.all(Array.from({ length: 10 }, () => job(700 * 1024)));
  expect(answers.map(({ version }) => version)).toEqual(Array.from({ length: 10 }, () => 1n));
  expect(sizes).toEqual([2, 2, 2, 2, 2]);
  await tooLarge;
});
