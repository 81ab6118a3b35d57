import { connect, constants } from 'node:http2';
import { AgentService, AllocationService, FleetService, JobService, methodDefinition } from '@cell/proto';
import { Client, credentials, Metadata, Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { addService, enteredCall, guardedServer } from './add-service.ts';
import { CellError } from './cell-error.ts';
import { answeredError, toServiceError } from './grpc-error.ts';
import type { Caller, EnteredCall, Guard } from './ports.ts';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

/** What grpc-js gives to handlers, as far as it is used here. */
interface HandledCall {
  sendMetadata(metadata: Metadata): void;
  on(event: 'data', listener: () => void): void;
  once(event: 'readable', listener: () => void): void;
  read(): unknown;
  end(): void;
  emit(event: 'error', error: unknown): void;
}

interface Fixture {
  readonly port: number;
  readonly client: Client;
  readonly handled: string[];
  readonly ended: string[];
}

/** Two services, whose handlers say their name and answer with `outcome`. */
async function serve(
  guardError: Error | undefined,
  outcome = 'ok',
  early = true,
  caller: Caller = { kind: 'member', id: 2 },
): Promise<Fixture> {
  const handled: string[] = [];
  const ended: string[] = [];
  const guard: Guard = {
    enter: (method) => {
      if (guardError !== undefined) throw guardError;
      const note = (how: string) => void ended.push(`${method.name}: ${how}`);
      const admit = (_: unknown, pass: () => void) => {
        pass();
        return () => {};
      };
      return { caller, confirm: () => {}, admit, ended: note } as Partial<EnteredCall> as EnteredCall;
    },
  };
  const server = early ? guardedServer({}, guard) : new Server();
  const failure = toServiceError(new CellError('CELL_E_CONFLICT', 'not so'));
  const handler = (name: string) => (call: HandledCall, reply?: (error: unknown, answer?: unknown) => void) => {
    enteredCall(call);
    handled.push(name);
    if (reply !== undefined) reply(outcome === 'ok' ? null : failure, {});
    else if (outcome === 'open') {
      call.sendMetadata(new Metadata());
      call.on('data', () => {});
    } else if (outcome === 'open for one') {
      call.sendMetadata(new Metadata());
      call.once('readable', () => call.read());
    } else if (outcome === 'ok') call.end();
    else call.emit('error', failure);
  };
  for (const service of [JobService, AgentService, AllocationService, FleetService]) {
    const names = service.methods.map(({ localName }) => [localName, handler(localName)]);
    addService(server, guard, service, Object.fromEntries(names) as Record<string, UntypedHandleCall> as never);
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  ends.push(
    () => client.close(),
    () => server.forceShutdown(),
  );
  return { port, client, handled, ended };
}

/** Calls one method of each kind; what they ended with. */
async function callAll({ client }: Fixture): Promise<string[]> {
  const told = (error: Error | null) => (error === null ? 'ok' : (answeredError(error)?.message ?? error.message));
  const kinds = [
    new Promise<string>((resolve) => {
      const { path, requestSerialize, responseDeserialize } = methodDefinition(JobService.method.listJobs);
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, new Metadata(), (error) =>
        resolve(told(error)),
      );
    }),
    new Promise<string>((resolve) => {
      const { path, requestSerialize, responseDeserialize } = methodDefinition(AgentService.method.sendLogs);
      const call = client.makeClientStreamRequest(path, requestSerialize, responseDeserialize, (error) =>
        resolve(told(error)),
      );
      call.on('error', () => {});
      call.write({ requestId: 'r' });
    }),
    new Promise<string>((resolve) => {
      const { path, requestSerialize, responseDeserialize } = methodDefinition(FleetService.method.streamEvents);
      const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
      call.on('error', (error) => resolve(told(error)));
      call.on('end', () => resolve('ok'));
      call.resume();
    }),
    new Promise<string>((resolve) => {
      const { path, requestSerialize, responseDeserialize } = methodDefinition(AllocationService.method.exec);
      const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
      call.on('error', (error) => resolve(told(error)));
      call.on('end', () => resolve('ok'));
      call.resume();
      call.write({});
    }),
  ];
  return Promise.all(kinds);
}

test.each([true, false])(
  'calls of all kinds that are refused reach no handler (by their headers: %s)',
  async (early) => {
    const fixture = await serve(new CellError('CELL_E_FORBIDDEN', 'you may not'), 'ok', early);
    expect(await callAll(fixture)).toEqual(Array(4).fill('you may not'));
    expect(fixture).toMatchObject({ handled: [], ended: [] });
  },
);

test('a guard that fails lets nobody in, and says nothing of why', async () => {
  const fixture = await serve(new Error('a secret in an error'));
  expect(await callAll(fixture)).toEqual(Array(4).fill('The call could not be checked'));
  expect(fixture.handled).toEqual([]);
});

test.each([
  ['ok', 'ok', 'ok'],
  ['CELL_E_CONFLICT', 'not so', 'CELL_E_CONFLICT'],
])('calls of all kinds that are let in end with %s, once each', async (outcome, told, noted) => {
  const fixture = await serve(undefined, outcome);
  expect(await callAll(fixture)).toEqual(Array(4).fill(told));
  expect([...fixture.handled].sort()).toEqual(['exec', 'listJobs', 'sendLogs', 'streamEvents']);
  const all = ['Exec', 'ListJobs', 'SendLogs', 'StreamEvents'].map((name) => `${name}: ${noted}`);
  await expect.poll(() => [...fixture.ended].sort()).toEqual(all);
});

test('a call that no guard has let in is our own mistake', () => {
  expect(() => enteredCall({})).toThrow(/no guard has let in/);
});

test('who is not let in is told so before the request is read, and its stream is gone', async () => {
  const { port, handled } = await serve(new CellError('CELL_E_UNAUTHENTICATED', 'who are you'));
  const connection = connect(`http://127.0.0.1:${port}`);
  ends.push(() => connection.destroy());
  const { path } = methodDefinition(JobService.method.submitJob);
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  // A message of 1 MiB that never comes as a whole.
  const call = connection.request(headers, { endStream: false });
  const answered = new Promise<unknown>((resolve) => {
    call.on('response', (head) => resolve(head['cell-error-code']));
  });
  const closed = new Promise<number | undefined>((resolve) => {
    call.on('close', () => resolve(call.rstCode));
  });
  call.resume();
  call.write(Buffer.from([0, 0, 0x10, 0, 0, 1, 2, 3]));
  expect(await answered).toBe('CELL_E_UNAUTHENTICATED');
  expect(await closed).toBe(constants.NGHTTP2_NO_ERROR);
  expect(handled).toEqual([]);
});

test('messages that are compressed are refused before they are read', async () => {
  const { port, handled } = await serve(undefined);
  const connection = connect(`http://127.0.0.1:${port}`);
  ends.push(() => connection.destroy());
  const { path } = methodDefinition(JobService.method.listJobs);
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const call = connection.request({ ...headers, 'grpc-encoding': 'gzip' }, { endStream: false });
  const answered = new Promise<unknown>((resolve) => {
    call.on('response', (head) => resolve(head['cell-error-code']));
  });
  call.resume();
  expect(await answered).toBe('CELL_E_INVALID');
  expect(handled).toEqual([]);
});

test('a stranger who says too much is told so, and his stream is gone', async () => {
  const { port, handled, ended } = await serve(undefined, 'ok', true, { kind: 'nobody' });
  const connection = connect(`http://127.0.0.1:${port}`);
  ends.push(() => connection.destroy());
  const { path } = methodDefinition(AgentService.method.join);
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const call = connection.request(headers, { endStream: false });
  const answered = new Promise<unknown>((resolve) => {
    call.on('response', (head) => resolve(head['cell-error-code']));
  });
  const closed = new Promise<void>((resolve) => {
    call.on('close', () => resolve());
  });
  call.resume();
  call.on('error', () => {});
  call.write(Buffer.concat([Buffer.from([0, 0, 0x10, 0, 0]), Buffer.alloc(64 * 1024)]));
  expect(await answered).toBe('CELL_E_LIMIT');
  await closed;
  expect({ handled, ended }).toEqual({ handled: [], ended: ['Join: CELL_E_LIMIT'] });
});

const mib = 1024 * 1024;
const node: Caller = { kind: 'node', id: 'n1', expired: false };

/** Streams that a node has opened, and what came of them. */
async function openStreams(count: number, outcome: string) {
  const { port, handled, ended } = await serve(undefined, outcome, true, node);
  // With the 10 MB that are usual, this side itself would end all streams: what it has still to send takes more.
  const connection = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 1_000 });
  ends.push(() => connection.destroy());
  const { path } = methodDefinition(AllocationService.method.exec);
  const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
  const codes: unknown[] = [];
  const streams = Array.from({ length: count }, () => {
    const call = connection.request(headers, { endStream: false });
    call.on('trailers', (trailers) => codes.push(trailers['cell-error-code'] ?? trailers['grpc-status']));
    call.on('error', () => {});
    call.resume();
    return call;
  });
  await expect.poll(() => handled.length).toBe(count);
  return { streams, codes, ended };
}

/** Of a message with 4 MiB. */
const LARGE = Buffer.from([0, 0, 0x40, 0, 0]);

test('of streams that take too much one is told so and is gone, and the others go on', async () => {
  const { streams, codes, ended } = await openStreams(17, 'open');
  // Each all but a byte of the most that one message may have.
  for (const call of streams) call.write(Buffer.concat([LARGE, Buffer.alloc(4 * mib - 1)]));
  const gone = () => streams.filter(({ destroyed }) => destroyed).length;
  await expect.poll(() => [codes, gone(), ended]).toEqual([['CELL_E_LIMIT'], 1, ['Exec: CELL_E_LIMIT']]);
});

test('what a handler leaves unread counts, and is not read ahead', async () => {
  const { streams, codes } = await openStreams(17, 'open for one');
  // A field that nobody knows, with 4 MiB less a tag of one byte and a length of four.
  const whole = Buffer.concat([LARGE, Buffer.from([0x7a, 0xfb, 0xff, 0xff, 0x01]), Buffer.alloc(4 * mib - 5)]);
  for (const call of streams) for (let each = 0; each < 2; each += 1) call.write(whole);
  await expect.poll(() => codes[0]).toBe('CELL_E_LIMIT');
});

test('a stream may say as much as it likes if it is read', async () => {
  const { streams, codes, ended } = await openStreams(1, 'open');
  // More than there is room for all of them together.
  const empty = Buffer.alloc(5 * 200_000);
  await new Promise((resolve) => {
    streams[0]!.write(empty, resolve);
  });
  expect([codes, ended]).toEqual([[], []]);
});
