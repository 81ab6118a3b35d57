/** Connections that are too many, too slow, or say nothing. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { JobService, methodDefinition } from '@cell/proto';
import { describe, expect, test } from 'vitest';
import { waitFor } from '../../harness/wait-for.ts';
import type { AttackedFleet } from '../testing/attacked-fleet.ts';
import { callFields, FRAME, frame, GREETING } from '../testing/http2-bytes.ts';
import { bearer, openTls, RawCaller } from '../testing/raw-caller.ts';

const { listJobs } = JobService.method;
const CONNECTIONS = 10_000;
/** As limits.connections_per_address has it by default. */
const PER_ADDRESS_MAX = 1_024;
const TOGETHER = 250;
/** After so many somebody else comes. */
const LOOK_EACH = 1_000;
const MEMORY_MIB_MAX = 250;
const SILENT = 50;
/** Of members' and agents' pages. */
const HTTP_PER_ADDRESS_MAX = 32;

export function crowdRows(attacked: () => AttackedFleet): void {
  describe('crowds', () => {
    test('who never finishes a handshake or a header is cut off, and others are served meanwhile', async () => {
      const { grpcPort: port } = attacked();
      const timeouts = await attacked().count('cell_handshakes_total{outcome="timeout"}');
      const silent = await Promise.all(Array.from({ length: SILENT }, () => plainTo(port, '127.0.0.8')));
      // Half of a ClientHello.
      for (const socket of silent.slice(SILENT / 2)) socket.write(Buffer.from('16030100f1010000ed0303', 'hex'));
      const half = await openTls({ port, from: '127.0.0.8' });
      half.resume();
      const path = methodDefinition(listJobs).path;
      half.write(Buffer.concat([GREETING, frame(FRAME.headers, 0, 1, callFields(path)).subarray(0, 30)]));
      const mute = await openTls({ port, from: '127.0.0.8' });
      mute.resume();
      mute.write(Buffer.concat([GREETING, frame(FRAME.headers, 4, 1, callFields(path))]));
      const person = await RawCaller.open({ port });
      expect(await person.code(listJobs, bearer(attacked().token))).toBe('ok');
      await attacked().counted('cell_handshakes_total{outcome="timeout"}', timeouts, SILENT);
      await waitFor(() => [...silent, half, mute].every((socket) => socket.destroyed), {
        what: 'all that say nothing to be cut off',
        timeoutMs: 60_000,
      });
      expect(await person.code(listJobs, bearer(attacked().token))).toBe('ok');
      person.close();
    });

    test('slow readers of pages fill no room but their own', async () => {
      const addresses = [attacked().target.httpAddress, attacked().fleet.agent(1).httpAddress];
      const crawl = async (address: string): Promise<void> => {
        const port = Number(address.split(':')[1]);
        const coming = Array.from({ length: 2 * HTTP_PER_ADDRESS_MAX }, () => plainTo(port, '127.0.0.8'));
        const slow = await Promise.all(coming);
        for (const socket of slow) socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\nX-Slow: ');
        const answer = await fetch(`http://${address}/livez`, { signal: AbortSignal.timeout(20_000) });
        expect([address, answer.status]).toEqual([address, 200]);
        await answer.body?.cancel();
        await waitFor(() => slow.every((socket) => socket.destroyed), { what: 'slow requests to be ended' });
      };
      await Promise.all(addresses.map(crawl));
    });

    test('ten thousand connections of one address leave room for others, and take little memory', async () => {
      const { grpcPort: port, target } = attacked();
      const before = attacked().before();
      const refused = await attacked().count('cell_connections_refused_total{reason="address"}');
      const memory = attacked().memoryMib();
      let largest = memory;
      let connected = 0;
      const sockets: Socket[] = [];
      for (let first = 0; first < CONNECTIONS; first += TOGETHER) {
        const some = Array.from({ length: TOGETHER }, () => tryPlainTo(port, '127.0.0.3'));
        for (const socket of await Promise.all(some)) {
          connected += 1;
          if (!socket.destroyed) sockets.push(socket);
        }
        largest = Math.max(largest, attacked().memoryMib());
        if (connected % LOOK_EACH === 0) {
          const other = await RawCaller.open({ port, from: '127.0.0.2' });
          expect(await other.code(listJobs, bearer(attacked().token))).toBe('ok');
          other.close();
        }
      }
      expect((await target.metric('cell_connections')) ?? 0).toBeLessThan(PER_ADDRESS_MAX + 200);
      await attacked().undisturbed();
      await attacked().logged(before, /Refused a connection from \\?"127\.0\.0\.3\\?"/);
      await attacked().counted('cell_connections_refused_total{reason="address"}', refused);
      for (const socket of sockets) socket.destroy();
      largest = Math.max(largest, attacked().memoryMib());
      process.stdout.write(
        `${connected} connections; memory from ${Math.round(memory)} to ${Math.round(largest)} MiB\n`,
      );
      expect(largest - memory).toBeLessThan(MEMORY_MIB_MAX);
      await waitFor(async () => ((await target.metric('cell_connections')) ?? 0) < 100, {
        what: 'them to be forgotten',
      });
    });
  });
}

async function plainTo(port: number, from: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from });
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.resume();
  return socket;
}

/** Connected, or refused. */
function tryPlainTo(port: number, from: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from });
  socket.on('error', () => {});
  socket.resume();
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(socket));
    socket.once('close', () => resolve(socket));
  });
}
