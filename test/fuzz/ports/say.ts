import { connect as connectPlain, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

/** How long somebody who said something wrong may wait for what comes of it. */
const ANSWER_MS_MAX = 150;

/** Says something to a port, and no more; resolves with what came back once the other side has ended, or said enough. */
export function sayPlain(port: number, bytes: Uint8Array): Promise<string> {
  const socket = connectPlain({ port, host: '127.0.0.1' });
  return exchange(socket, 'connect', bytes);
}

/** As `sayPlain`, inside of TLS. */
export function sayInside(port: number, bytes: Uint8Array, security: ConnectionOptions): Promise<string> {
  const options = { port, host: '127.0.0.1', ALPNProtocols: ['h2'], rejectUnauthorized: false, ...security };
  return exchange(connectTls(options), 'secureConnect', bytes);
}

function exchange(socket: Socket, ready: 'connect' | 'secureConnect', bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    let timer: NodeJS.Timeout | undefined;
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (data: Buffer) => {
      answer = (answer + data.toString('latin1')).slice(-10_000);
    });
    // Whatever the other side does to the connection is its right.
    socket.on('error', done);
    socket.on('close', done);
    socket.once(ready, () => {
      timer = setTimeout(done, ANSWER_MS_MAX);
      socket.end(bytes);
    });
  });
}
