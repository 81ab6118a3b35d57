import { create } from '@bufbuild/protobuf';
import { ExecInputSchema, ExecStartSchema, ExecTerminalSchema, type Outgoing } from '@cell/proto';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import type { Peers } from '../ports.ts';
import { type LocalMember, startLocalCluster } from './testing/local-cluster.ts';

/** Of calls that are to succeed, on a machine that has other things to do. */
const timeoutMs = 30_000;

let peers: Peers;
let two: LocalMember;

/** A caller who says nothing, and is still there. */
const silence: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }),
};

beforeEach(async () => {
  const cluster = await startLocalCluster(2);
  onTestFinished(() => cluster.stop());
  const [first, second] = cluster.members as [LocalMember, LocalMember];
  ({ peers } = first.running);
  two = second;
});

test('where to go on and since when are asked of the peer, and where it stands comes back', async () => {
  const request = {
    allocationId: 'a',
    follow: false,
    tailLines: 5,
    stream: 'both',
    cursor: 'c',
    sinceMs: 1_500,
  } as const;
  const cursors: (string | undefined)[] = [];
  for await (const { cursor } of peers.relayLogs(2, request, new AbortController().signal)) {
    cursors.push(cursor);
  }
  expect(cursors).toEqual(['after 0', 'after 1', 'after 2']);
  expect(two.logged).toContainEqual({ openLogs: request });
});

function execStart(allocationId: string, ...command: string[]) {
  return create(ExecStartSchema, { allocationId, command });
}

function execInput(input: Outgoing<typeof ExecInputSchema>['input']) {
  return create(ExecInputSchema, input === undefined ? {} : { input });
}

test('a command is relayed with its input, its outputs and its end', async () => {
  const input = async function* () {
    yield execInput({ case: 'data', value: Buffer.from('in') });
    yield execInput({ case: 'resize', value: create(ExecTerminalSchema, { columns: 90 }) });
    yield execInput({ case: 'end', value: true });
  };
  const said: string[] = [];
  const { signal } = new AbortController();
  for await (const output of peers.relayExec(2, execStart('a', 'cat', '-n'), input(), signal)) {
    const { case: name, value } = output?.output ?? { case: 'taken on', value: '' };
    said.push(`${name} ${value instanceof Uint8Array ? Buffer.from(value).toString() : value}`);
  }
  expect(said).toEqual(['taken on ', 'stdout cat -n', 'stderr in', 'exitCode 3']);
});

test('a peer that refuses a command has not read its input', async () => {
  let read = 0;
  const input = async function* () {
    read += 1;
    yield execInput({ case: 'end', value: true });
  };
  const start = execStart('elsewhere', 'cat');
  const relayed = peers.relayExec(2, start, input(), new AbortController().signal);
  await expect(relayed[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'CELL_E_NO_SESSION' });
  expect(read).toBe(0);
});

test('a relayed command writes no more than is read, is held up by what it does not read, and ends with its caller', async () => {
  const wrote = () => two.logged.filter(({ exec }) => String(exec).startsWith('wrote')).length;
  const reader = new AbortController();
  const flood = peers.relayExec(2, execStart('a', 'flood'), silence, reader.signal);
  const outputs = flood[Symbol.asyncIterator]();
  await outputs.next();
  await outputs.next();
  await standsStill(wrote);
  expect(wrote() * 64).toBeLessThan(16 * 1024);
  reader.abort(new Error('enough'));
  await expect(drain(outputs)).rejects.toThrow('enough');
  await expect.poll(() => two.logged).toContainEqual({ exec: 'exec aborted' });

  let given = 0;
  const endless = async function* () {
    for (; ; given += 1) yield execInput({ case: 'data', value: Buffer.alloc(64 * 1024) });
  };
  two.logged.length = 0;
  const idle = peers.relayExec(2, execStart('a', 'idle'), endless(), new AbortController().signal);
  const silent = idle[Symbol.asyncIterator]();
  await silent.next();
  const ended = silent.next();
  await standsStill(() => given);
  expect(given).toBeGreaterThan(0);
  expect(given * 64).toBeLessThan(16 * 1024);
  await two.stop();
  await expect(ended).rejects.toMatchObject({ code: 'CELL_E_PEER_UNREACHABLE' });
});

test('usage is asked of the peer', async () => {
  expect(await peers.relayUsage(2, 'a', timeoutMs)).toMatchObject({ memoryBytes: 7n });
  expect(await peers.relayUsage(2, 'b', timeoutMs)).toBeUndefined();
});

async function drain(outputs: AsyncIterator<unknown>): Promise<void> {
  while ((await outputs.next()).done !== true);
}

/** Waits until the number has stayed the same for a while. */
async function standsStill(count: () => number): Promise<void> {
  let before = -1;
  const still = () => {
    const same = before === count();
    before = count();
    return same;
  };
  await expect.poll(still, { interval: 200, timeout: 10_000 }).toBe(true);
}
