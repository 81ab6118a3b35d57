/** Bytes that are wrong, too many, or too few. */
import { once } from 'node:events';
import type { ClientHttp2Stream } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { SERVER_NAME } from '@cell/identity';
import { AgentService, JobService, methodDefinition, PeerService } from '@cell/proto';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../../harness/wait-for.ts';
import type { AttackedFleet } from '../testing/attacked-fleet.ts';
import { callFields, FLAG, FRAME, fields, frame, GREETING } from '../testing/http2-bytes.ts';
import { bearer, openTls, RawCaller } from '../testing/raw-caller.ts';

const MIB = 1024 * 1024;
const { listJobs, submitJob } = JobService.method;
const LIST_JOBS = callFields(methodDefinition(listJobs).path);
/** More than any of these may cost a member, in MiB: what a flood leaves behind is far less than it has sent. */
const MEMORY_MIB_MAX = 250;
/** Calls to join of one address at once, and what each sends at most. */
const REQUESTS = 50;
const REQUEST_MIB_MAX = 7;

export function floodRows(attacked: () => AttackedFleet): void {
  describe('bytes', () => {
    test('TLS 1.2 and plain text are not spoken, on either port', async () => {
      const failed = await attacked().count('cell_handshakes_total{outcome="failed"}');
      for (const port of [attacked().grpcPort, attacked().peersPort]) {
        const spoken = { maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] } as const;
        const old = connectTls({ host: '127.0.0.1', port, ...spoken, rejectUnauthorized: false });
        await expect(once(old, 'secureConnect')).rejects.toThrow(/protocol version|ECONNRESET|disconnected/i);
        for (const text of [GREETING, Buffer.from('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n')]) {
          const plain = await opened(port);
          const heard: Buffer[] = [];
          plain.on('data', (data: Buffer) => heard.push(data));
          plain.write(text);
          await closed(plain);
          // An alert of TLS at most.
          expect(Buffer.concat(heard).length).toBeLessThan(16);
        }
      }
      await attacked().counted('cell_handshakes_total{outcome="failed"}', failed, 6);
    });

    test('messages that are too long or no messages are refused, and the connection is good for the next call', async () => {
      const caller = await RawCaller.open({ port: attacked().grpcPort });
      const person = bearer(attacked().token);
      expect(await caller.code(submitJob, person, Buffer.alloc(9 * MIB))).toBe('grpc-status 8');
      expect(await caller.code(submitJob, person, Buffer.alloc(1_000, 0xff))).toBe('grpc-status 13');
      expect(await caller.code(submitJob, person)).toBe('CELL_E_INVALID');
      caller.close();
    });

    test('HTTP/2 that is none ends its connection', async () => {
      const wrong: Readonly<Record<string, Buffer>> = {
        'no preface': Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
        'a frame that is too long': Buffer.concat([
          GREETING,
          Buffer.from('ffffff000000000001', 'hex'),
          Buffer.alloc(65_536),
        ]),
        'data of no stream': Buffer.concat([GREETING, frame(FRAME.data, 0, 0, Buffer.alloc(8))]),
        'settings that are cut': Buffer.concat([GREETING, frame(FRAME.settings, 0, 0, Buffer.alloc(5))]),
        'a header that is no HPACK': Buffer.concat([
          GREETING,
          frame(FRAME.headers, FLAG.endHeaders, 1, Buffer.alloc(32, 0xff)),
        ]),
        'an even stream': Buffer.concat([GREETING, frame(FRAME.headers, FLAG.endHeaders, 2, LIST_JOBS)]),
        'a window that overflows': Buffer.concat([
          GREETING,
          frame(FRAME.windowUpdate, 0, 0, Buffer.from('7fffffff', 'hex')),
          frame(FRAME.windowUpdate, 0, 0, Buffer.from('7fffffff', 'hex')),
        ]),
      };
      for (const [what, bytes] of Object.entries(wrong)) {
        const socket = await openTls({ port: attacked().grpcPort });
        socket.resume();
        socket.write(bytes);
        await waitFor(() => socket.destroyed, { what: `a connection with ${what} to end` });
      }
    });

    test('headers without end and without measure end, and take no memory', async () => {
      const memory = attacked().memoryMib();
      const some = fields({ 'x-filler': 'a'.repeat(100) });
      const much = Buffer.concat(Array.from({ length: 140 }, () => some));
      // CONTINUATION after CONTINUATION, of a header that never ends.
      const endless = await openTls({ port: attacked().grpcPort });
      endless.resume();
      endless.write(Buffer.concat([GREETING, frame(FRAME.headers, 0, 1, LIST_JOBS)]));
      const sent = await pour(endless, frame(FRAME.continuation, 0, 1, much), 4_000);
      expect(endless.destroyed).toBe(true);
      // One that is complete, and as long as nobody's is.
      const long = await openTls({ port: attacked().grpcPort });
      long.resume();
      const parts = [frame(FRAME.headers, 0, 1, LIST_JOBS), ...Array.from({ length: 6 }, () => frame(9, 0, 1, much))];
      long.write(Buffer.concat([GREETING, ...parts, frame(FRAME.continuation, FLAG.endHeaders, 1, some)]));
      const caller = await RawCaller.open({ port: attacked().grpcPort });
      const filler = Object.fromEntries(Array.from({ length: 200 }, (_, each) => [`x-${each}`, 'a'.repeat(1_000)]));
      expect(await caller.code(listJobs, { ...filler, ...bearer(attacked().token) })).not.toBe('ok');
      caller.close();
      long.destroy();
      const grown = attacked().memoryMib() - memory;
      process.stdout.write(`continuations taken: ${sent}; memory grown by ${Math.round(grown)} MiB\n`);
      expect(grown).toBeLessThan(MEMORY_MIB_MAX);
    });

    test('streams that are begun and reset without pause end their connection', async () => {
      const memory = attacked().memoryMib();
      const socket = await openTls({ port: attacked().grpcPort });
      socket.resume();
      socket.write(GREETING);
      let resets = 0;
      for (let round = 0; round < 500 && !socket.destroyed; round += 1) {
        const frames = [];
        for (let each = 0; each < 200; each += 1) {
          const streamId = 1 + 2 * resets;
          frames.push(frame(FRAME.headers, FLAG.endHeaders, streamId, LIST_JOBS));
          frames.push(frame(FRAME.reset, 0, streamId, Buffer.from([0, 0, 0, 8])));
          resets += 1;
        }
        await written(socket, Buffer.concat(frames));
      }
      process.stdout.write(`resets sent: ${resets}\n`);
      await waitFor(() => socket.destroyed, { what: 'the connection to end' });
      expect(attacked().memoryMib() - memory).toBeLessThan(MEMORY_MIB_MAX);
    });

    test('requests of strangers that never end are ended, and take no memory', async () => {
      const memory = attacked().memoryMib();
      let sent = 0;
      for (const [port, method] of [
        [attacked().peersPort, PeerService.method.joinMember],
        [attacked().grpcPort, AgentService.method.join],
      ] as const) {
        const caller = await RawCaller.open({ port, from: '127.0.0.9' });
        const begun = Array.from({ length: REQUESTS }, () => caller.begin(method));
        const poured = begun.map((stream) => endless(stream, REQUEST_MIB_MAX));
        for (const mib of await Promise.all(poured)) sent += mib;
        const grown = attacked().memoryMib() - memory;
        process.stdout.write(`requests took ${sent} MiB; memory grown by ${Math.round(grown)} MiB\n`);
        expect(begun.filter((stream) => !stream.closed && !stream.readableEnded)).toEqual([]);
        expect(grown).toBeLessThan(MEMORY_MIB_MAX);
        caller.close();
      }
    });

    test('messages of streams that never end take no memory beyond the room of one caller', async () => {
      const { credentials } = await attacked().takenNode();
      const memory = attacked().memoryMib();
      const caller = await RawCaller.open({ port: attacked().grpcPort, credentials });
      const { session, sendLogs, serveExec } = AgentService.method;
      const begun = [sendLogs, serveExec].flatMap((method) => Array.from({ length: 64 }, () => caller.begin(method)));
      for (let each = 0; each < 8; each += 1) begun.push(caller.begin(session));
      const poured = await Promise.all(begun.map((stream) => endless(stream, REQUEST_MIB_MAX)));
      const grown = attacked().memoryMib() - memory;
      const sent = poured.reduce((sum, mib) => sum + mib, 0);
      process.stdout.write(`streams took ${sent} MiB; memory grown by ${Math.round(grown)} MiB\n`);
      expect(begun.filter((stream) => stream.closed || stream.readableEnded).length).toBeGreaterThan(0);
      expect(grown).toBeLessThan(MEMORY_MIB_MAX);
      caller.close();
    });

    test('a session of TLS that somebody has seen does not go on at another connection', async () => {
      const { authority, peersPort: port } = attacked();
      const { privateKey: key, chain: cert } = authority.credentials({ kind: 'member', id: 2 });
      const options = {
        host: '127.0.0.1',
        port,
        servername: SERVER_NAME,
        ALPNProtocols: ['h2'],
        rejectUnauthorized: false,
      };
      const first = connectTls({ ...options, key, cert });
      const sessions: Buffer[] = [];
      first.on('session', (session: Buffer) => sessions.push(session));
      await once(first, 'secureConnect');
      first.write(GREETING);
      await once(first, 'data');
      first.destroy();
      process.stdout.write(`sessions that TLS gave out: ${sessions.length}\n`);
      for (const session of sessions) {
        const again = connectTls({ ...options, session });
        again.on('error', () => {});
        const came = once(again, 'secureConnect').then(() => true);
        if (!(await Promise.race([came, closed(again).then(() => false)]))) continue;
        const caller = RawCaller.over(again);
        // As somebody without a certificate, if at all.
        expect(await caller.code(PeerService.method.getMember)).toMatch(/^(CELL_E_UNAUTHENTICATED|broken)$/);
        caller.close();
      }
    });
  });
}

/** Writes the same again and again until the other side has had enough; gives how often. */
async function pour(socket: TLSSocket, bytes: Buffer, timesMax: number): Promise<number> {
  let times = 0;
  for (; times < timesMax && !socket.destroyed; times += 1) await written(socket, bytes);
  await waitFor(() => socket.destroyed, { what: 'the connection to end' });
  return times;
}

/** Says that a long message comes, and sends as much of it as is taken; gives how many MiB that was. */
async function endless(stream: ClientHttp2Stream, mibMax: number): Promise<number> {
  stream.write(Buffer.from([0, 0, 0x7f, 0xff, 0xff]));
  let sent = 0;
  stream.setMaxListeners(0);
  for (; sent < mibMax && !stream.closed && !stream.readableEnded; sent += 1) {
    await new Promise<void>((resolve) => {
      // What still waits to be written keeps it from closing.
      for (const event of ['end', 'close'] as const) stream.once(event, () => resolve());
      stream.write(Buffer.alloc(MIB), () => resolve());
    });
  }
  return sent;
}

/** Resolves once it has gone out, or can't any more. */
function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.write(bytes, () => resolve());
  });
}

async function opened(port: number): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port });
  await once(socket, 'connect');
  socket.on('error', () => {});
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.destroyed) await once(socket, 'close');
}
