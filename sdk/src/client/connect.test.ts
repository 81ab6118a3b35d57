import { createServer, type Server } from 'node:net';
import { FleetService } from '@cell/proto';
import { afterEach, expect, test } from 'vitest';
import type { CellApiError } from './cell-api-error.ts';
import type { CellClient } from './connect.ts';
import { connectPlain } from './testing/connect-plain.ts';
import {
  codedError,
  type FakeControlPlane,
  type FakeHandlers,
  startFakeControlPlane,
} from './testing/fake-control-plane.ts';

const members: FakeControlPlane[] = [];
const clients: CellClient[] = [];
const listeners: Server[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  for (const member of members.splice(0)) member.end();
  for (const listener of listeners.splice(0)) listener.close();
});

async function member(handlers: FakeHandlers): Promise<FakeControlPlane> {
  const started = await startFakeControlPlane(handlers);
  members.push(started);
  return started;
}

function client(addresses: readonly string[], timeoutMs = 5_000): CellClient {
  const made = connectPlain({ addresses, timeoutMs });
  clients.push(made);
  return made;
}

/** An address at which nobody listens. */
async function deadAddress(): Promise<string> {
  const gone = await startFakeControlPlane({});
  gone.crash();
  return gone.address;
}

async function errorOf(work: Promise<unknown>): Promise<CellApiError> {
  return (await work.then(
    () => expect.unreachable('the call succeeded'),
    (error: unknown) => error,
  )) as CellApiError;
}

const refuse =
  (code: string, message = 'no') =>
  () => {
    throw codedError(code, message);
  };

test('a read goes to the next member when one is gone, and the good one is remembered', async () => {
  const alive = await member({ listNodes: () => ({ nodes: [{ name: 'node-1' }], index: 7n }) });
  const calling = client([await deadAddress(), alive.address]);
  expect((await calling.nodes.listNodes({})).nodes[0]?.name).toBe('node-1');
  expect(calling.address).toBe(alive.address);
  await calling.nodes.listNodes({});
  expect(alive.calls).toHaveLength(2);
});

test('a read is made again until there is a leader', async () => {
  let asked = 0;
  const electing = await member({
    listJobs: () => {
      asked += 1;
      if (asked < 4) throw codedError('CELL_E_NO_LEADER', 'no leader');
      return { jobs: [], index: 9n };
    },
  });
  expect((await client([electing.address]).jobs.listJobs({})).index).toBe(9n);
  expect(asked).toBe(4);
});

test('a change that nobody has begun is made elsewhere', async () => {
  const leaderless = await member({ submitJob: refuse('CELL_E_NO_LEADER') });
  const led = await member({ submitJob: () => ({ version: 1n }) });
  const calling = client([await deadAddress(), leaderless.address, led.address]);
  expect((await calling.jobs.submitJob({})).version).toBe(1n);
  expect(leaderless.calls).toHaveLength(1);
});

test.each([
  ['CELL_E_OUTCOME_UNKNOWN', refuse('CELL_E_OUTCOME_UNKNOWN', 'it may have been written')],
  ['CELL_E_CONNECTION_LOST', () => members[0]?.crash()],
  ['CELL_E_CONNECTION_LOST', () => members[0]?.end()],
])('a change is not made twice after %s', async (code, handler) => {
  const first = await member({ submitJob: handler });
  const second = await member({ submitJob: () => ({ version: 1n }) });
  const error = await errorOf(client([first.address, second.address]).jobs.submitJob({}));
  expect(error.code).toBe(code);
  expect(second.calls).toEqual([]);
});

test.each(['stopJob', 'writeMark', 'submitJob'] as const)('%s may be made twice, and is', async (name) => {
  const first = await member({ [name]: () => first.crash() });
  const second = await member({ [name]: () => ({ index: 5n }) });
  const calling = client([first.address, second.address]);
  const calls = {
    stopJob: () => calling.jobs.stopJob({ name: 'web' }),
    writeMark: () => calling.drills.writeMark({ drillId: 'd', sequence: 1n }),
    submitJob: () => calling.jobs.submitJob({ expectedIndex: 4n }),
  };
  expect((await calls[name]()).index).toBe(5n);
});

test('an error that is not about the member comes back at once, with its code and sentence', async () => {
  const first = await member({ getNode: refuse('CELL_E_NOT_FOUND', 'There is no node "x"') });
  const second = await member({ getNode: () => ({}) });
  const error = await errorOf(client([first.address, second.address]).nodes.getNode({ node: 'x' }));
  expect(error).toMatchObject({ name: 'CellApiError', code: 'CELL_E_NOT_FOUND', message: 'There is no node "x"' });
  expect(error.reached).toBe(true);
  expect(second.calls).toEqual([]);
});

test('when nobody listens, the error names every address and comes soon', async () => {
  const addresses = [await deadAddress(), await deadAddress()];
  const error = await errorOf(client(addresses, 60_000).nodes.listNodes({}));
  expect(error.code).toBe('CELL_E_UNREACHABLE');
  expect(error.message).toBe(`No answer from the control plane at "${addresses[0]}", "${addresses[1]}"`);
  expect(error.reached).toBe(false);
});

test('a name that does not exist is an address at which nobody listens', async () => {
  const alive = await member({ submitJob: () => ({ version: 1n }) });
  const response = await client(['no-such-host.invalid:7600', alive.address]).jobs.submitJob({});
  expect(response.version).toBe(1n);
});

test('a member that accepts and never answers costs a share of the time, not all of it', async () => {
  const silent = createServer(() => {});
  listeners.push(silent);
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  const { port } = silent.address() as { port: number };
  const error = await errorOf(client([`127.0.0.1:${port}`], 300).nodes.listNodes({}));
  expect(error.code).toBe('CELL_E_TIMEOUT');
});

test('a member that never answers leaves time for the next one', async () => {
  const silent = createServer(() => {});
  listeners.push(silent);
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  const { port } = silent.address() as { port: number };
  const alive = await member({ listNodes: () => ({ index: 3n }) });
  expect((await client([`127.0.0.1:${port}`, alive.address], 3_000).nodes.listNodes({})).index).toBe(3n);
});

test('a call that fails late does not send others back to a member that failed since', async () => {
  const late = Promise.withResolvers<void>();
  let asked = 0;
  const first = await member({
    listNodes: async () => {
      asked += 1;
      if (asked === 1) await late.promise;
      throw codedError('CELL_E_NO_LEADER', 'no');
    },
  });
  const second = await member({ listNodes: refuse('CELL_E_NO_LEADER') });
  const third = await member({ listNodes: () => ({ index: 1n }) });
  const calling = client([first.address, second.address, third.address]);
  const slow = calling.nodes.listNodes({});
  await calling.nodes.listNodes({});
  late.resolve();
  await slow;
  expect(second.calls).toHaveLength(1);
});

test('an aborted call rejects with the reason of the signal and is not made again', async () => {
  const controller = new AbortController();
  const slow = await member({
    listNodes: () => {
      controller.abort(new Error('stopped by hand'));
      return new Promise(() => {});
    },
  });
  const error = await errorOf(client([slow.address]).nodes.listNodes({}, { signal: controller.signal }));
  expect(error.message).toBe('stopped by hand');
  expect(slow.calls).toHaveLength(1);
});

test('an abort ends the pause between rounds', async () => {
  const controller = new AbortController();
  const leaderless = await member({ listNodes: refuse('CELL_E_NO_LEADER') });
  const call = client([leaderless.address], 60_000).nodes.listNodes({}, { signal: controller.signal });
  setTimeout(() => controller.abort(new Error('stopped by hand')), 10);
  expect((await errorOf(call)).message).toBe('stopped by hand');
});

test('calls side by side move on from a dead member once', async () => {
  const alive = await member({ listNodes: () => ({ index: 1n }) });
  const calling = client([await deadAddress(), alive.address, await deadAddress()]);
  await Promise.all(Array.from({ length: 8 }, () => calling.nodes.listNodes({})));
  expect(calling.address).toBe(alive.address);
});

test('a stream begins elsewhere when a member is gone, and ends when the server ends it', async () => {
  const alive = await member({
    streamEvents: async function* () {
      yield { event: { type: 'NodeLost' } };
      yield { event: { type: 'NodeReady' } };
    },
  });
  const types: string[] = [];
  for await (const { event } of client([await deadAddress(), alive.address]).fleet.streamEvents({})) {
    types.push(event?.type ?? '');
  }
  expect(types).toEqual(['NodeLost', 'NodeReady']);
});

test('a stream that breaks after its first message says so instead of beginning anew', async () => {
  const breaking = await member({
    streamEvents: async function* () {
      yield { event: { type: 'NodeLost' } };
      await new Promise(() => {});
    },
  });
  const reading = client([breaking.address]).stream(FleetService.method.streamEvents, {})[Symbol.asyncIterator]();
  expect((await reading.next()).value?.event?.type).toBe('NodeLost');
  const next = errorOf(reading.next());
  breaking.crash();
  expect((await next).code).toBe('CELL_E_CONNECTION_LOST');
});

test('a reader that stops cancels the call at the server, and an abort ends a stream without an error', async () => {
  const cancelled: (() => void)[] = [];
  const streaming = await member({
    streamEvents: async function* (_request, signal) {
      yield { event: { type: 'NodeLost' } };
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      cancelled.shift()?.();
    },
  });
  const stoppedReading = new Promise<void>((resolve) => {
    cancelled.push(resolve);
  });
  for await (const _ of client([streaming.address]).fleet.streamEvents({ follow: true })) break;
  await stoppedReading;

  const controller = new AbortController();
  let read = 0;
  for await (const _ of client([streaming.address]).fleet.streamEvents({}, { signal: controller.signal })) {
    read += 1;
    controller.abort();
  }
  expect(read).toBe(1);
});

test('no address at all is refused', () => {
  expect(() => connectPlain({ addresses: [], timeoutMs: 1 })).toThrow('No control-plane address given');
});
