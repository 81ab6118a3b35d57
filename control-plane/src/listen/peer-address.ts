/** Where a connection comes from, in the one form that limits, logs and the audit log know. */
import type { Socket } from 'node:net';

const MAPPED = '::ffff:';

/** Of "host:port" or "[host]:port", which was checked before. */
export function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

/** As grpc-js names who calls: "address:port"; undefined if it has gone. */
export function peerName({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress}:${remotePort}`;
}

/** IPv4 addresses as such, also if they came in over IPv6 (RFC 4291, section 2.5.5.2). */
export function plainAddress(address: string): string {
  return address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address;
}
