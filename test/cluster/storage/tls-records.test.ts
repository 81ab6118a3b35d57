import { once } from 'node:events';
import { connect as connectPlain, createServer, type Socket } from 'node:net';
import { connect, createSecureContext, TLSSocket } from 'node:tls';
import { TestAuthority } from '@cell/control-plane/authority-testing';
import { expect, onTestFinished, test } from 'vitest';
import type { SystemCall } from './system-calls.ts';
import { decryptCalls } from './tls-records.ts';

/** What a server would be seen to read and write while a client says so many words, each answered in capitals. */
async function conversation(words: readonly string[]): Promise<{ calls: SystemCall[]; keyLog: string }> {
  const pieces: (readonly [name: 'read' | 'write', bytes: Buffer])[] = [];
  let keyLog = '';
  const server = createServer((near) => {
    const far: Socket = connectPlain(inner.port(), '127.0.0.1');
    near.on('data', (bytes) => {
      pieces.push(['read', bytes]);
      far.write(bytes);
    });
    far.on('data', (bytes) => {
      pieces.push(['write', bytes]);
      near.write(bytes);
    });
    near.on('close', () => far.destroy());
  }).listen(0, '127.0.0.1');
  const own = TestAuthority.make().credentials({ kind: 'member', id: 1 });
  const context = createSecureContext({ key: own.privateKey, cert: own.chain, minVersion: 'TLSv1.3' });
  const inner = listening((raw) => {
    const socket = new TLSSocket(raw, { isServer: true, secureContext: context });
    socket.on('keylog', (line: Buffer) => {
      keyLog += line.toString();
    });
    socket.on('data', (word) => socket.write(word.toString().toUpperCase()));
  });
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    inner.close();
  });
  const client = connect({ port: (server.address() as { port: number }).port, rejectUnauthorized: false });
  await once(client, 'secureConnect');
  for (const word of words) {
    client.write(word);
    for (let left = word.length; left > 0; ) left -= ((await once(client, 'data')) as [Buffer])[0].length;
  }
  client.destroy();
  const calls = pieces.map(([name, bytes], at) => ({ name, target: 'TCP:[a->b]', bytes, startedAt: at, endedAt: at }));
  return { calls, keyLog };
}

function listening(accept: (socket: Socket) => void) {
  const server = createServer(accept).listen(0, '127.0.0.1');
  return { port: () => (server.address() as { port: number }).port, close: () => server.close() };
}

const textOf = (calls: readonly SystemCall[], name: string) =>
  calls.flatMap((call) => (call.name === name && call.bytes.length > 0 ? [call.bytes.toString()] : []));

test('what was said in a connection is read with its keys, also when it is seen from the middle on', async () => {
  const words = ['one', 'two', 'three', 'x'.repeat(20_000)];
  const { calls, keyLog } = await conversation(words);
  const whole = decryptCalls(calls, keyLog);
  expect(textOf(whole, 'read').join('')).toBe(words.join(''));
  expect(textOf(whole, 'write').join('')).toBe(words.join('').toUpperCase());
  const middle = whole.findIndex(({ bytes }) => bytes.toString() === 'two');
  const rest = decryptCalls(calls.slice(middle), keyLog);
  expect(textOf(rest, 'read').join('')).toBe(words.slice(1).join(''));
  expect(textOf(rest, 'write').join('')).toBe(words.slice(1).join('').toUpperCase());
});

test('without its keys nothing is read, and what does not go through sockets stays as it is', async () => {
  const { calls } = await conversation(['one']);
  expect(textOf(decryptCalls(calls, ''), 'read')).toEqual([]);
  const file = { name: 'pwrite64', target: '/log', bytes: Buffer.from('entry'), startedAt: 0, endedAt: 1 };
  expect(decryptCalls([file], '')).toEqual([file]);
});
