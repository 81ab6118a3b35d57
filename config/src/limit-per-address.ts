import type { Server } from 'node:net';

/** Ends connections at once that are more than this many from one address. */
export function limitPerAddress(server: Server, connectionsMax: number): void {
  const connections = new Map<string, number>();
  server.on('connection', (socket) => {
    const address = socket.remoteAddress ?? '';
    const count = connections.get(address) ?? 0;
    if (count >= connectionsMax) {
      socket.destroy();
      return;
    }
    connections.set(address, count + 1);
    socket.once('close', () => {
      const left = (connections.get(address) ?? 1) - 1;
      if (left === 0) connections.delete(address);
      else connections.set(address, left);
    });
  });
}
