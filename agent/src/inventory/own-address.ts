import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { splitAddress } from '@cell/config';
import { AgentError } from '../agent-error.ts';

/** For all addresses together: names may have to be looked up, and the lookup may have nobody to ask. */
const SEARCH_MS_MAX = 3_000;

/**
 * The address of this machine on the way to the control plane ("host:port" of members): the fleet reaches it there. No
 * packet is sent. Without a way, as when a link is down for a moment, the first address that is not loopback. Rejects
 * with `AgentError` `CELL_E_NO_ADDRESS` if there is none.
 */
export async function findOwnAddress(controlPlane: readonly string[]): Promise<string> {
  const signal = AbortSignal.timeout(SEARCH_MS_MAX);
  for (const address of controlPlane) {
    const found = await addressTowards(address, signal).catch(() => undefined);
    if (found !== undefined) return found;
  }
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const outside = all.find(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  if (outside !== undefined) return outside.address;
  const message = `Could not find a way to the control plane at ${controlPlane.join(', ')}; connect this machine, or set "address"`;
  throw new AgentError('CELL_E_NO_ADDRESS', message);
}

/** Connecting a datagram socket has the kernel look up the route, and does no more. */
async function addressTowards(controlPlane: string, signal: AbortSignal): Promise<string> {
  const { host, port } = splitAddress(controlPlane)!;
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    const connected = once(socket, 'connect', { signal });
    socket.connect(port, host);
    await connected;
    return socket.address().address;
  } finally {
    socket.close();
  }
}
