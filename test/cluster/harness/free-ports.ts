import { createServer } from 'node:net';

/**
 * Below the range that the kernel takes for outgoing connections (it begins at 32768), so that a port that is free now
 * is not taken by the next connection; and below what agents give to workloads (from 20000).
 */
const FIRST = 10_000;
const LAST = 19_999;

const ATTEMPTS_MAX = 1000;

const given = new Set<number>();

/** Ports that nobody listens on, none of them given out before by this process. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let attempts = 0; ports.length < count; attempts += 1) {
    if (attempts >= ATTEMPTS_MAX) throw new Error(`Found ${ports.length} of ${count} free ports`);
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
