/**
 * Stands in the hub of a lab: `keeper-main.ts LAB`. Serves the folder "www" by HTTP to the machines, leads connections
 * from the host's side into the lab's network, and removes the lab when its standard input ends, which it does however
 * the process that made the lab ended.
 *
 * On the socket "hub.sock" a caller sends one line, "ADDRESS PORT\n", and is then connected with that.
 */
import { createReadStream, statSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { join, normalize } from 'node:path';
import { HUB_ADDRESS } from './network.ts';
import { folderOf, sweepLab } from './sweep.ts';

const HTTP_PORT = 80;
const REQUEST_LENGTH_MAX = 100;

const lab = process.argv[2] as string;
const folder = folderOf(lab);

function lead(caller: Socket): void {
  caller.on('error', () => caller.destroy());
  caller.once('data', (data: Buffer) => {
    caller.pause();
    const end = data.indexOf('\n');
    if (end < 0 || end > REQUEST_LENGTH_MAX) return void caller.destroy();
    const [host = '', port] = data.toString('latin1', 0, end).split(' ');
    const target = connect({ host, port: Number(port) });
    target.on('error', () => caller.destroy());
    target.on('close', () => caller.destroy());
    caller.on('close', () => target.destroy());
    target.write(data.subarray(end + 1));
    caller.pipe(target).pipe(caller);
  });
}

const website = createHttpServer((request, response) => {
  const file = join(folder, 'www', normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://hub').pathname)));
  const size = sizeOf(file);
  if (size === undefined) return void response.writeHead(404).end();
  response.writeHead(200, { 'content-length': size });
  if (request.method === 'HEAD') response.end();
  else createReadStream(file).pipe(response);
});

function sizeOf(file: string): number | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true ? found.size : undefined;
}

process.stdin.resume().on('end', () => {
  sweepLab(lab);
  process.exit();
});
website.listen(HTTP_PORT, HUB_ADDRESS, () => {
  createServer(lead).listen(join(folder, 'hub.sock'), () => process.stdout.write('ready\n'));
});
