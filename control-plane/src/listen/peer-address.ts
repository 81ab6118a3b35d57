/** Where a connection comes from, in the one form that limits, logs and the audit log know. */

const MAPPED = '::ffff:';

/** Of "address:port", as grpc-js names a caller; without its port, IPv4 addresses as such. */
export function addressOfPeer(peer: string): string {
  return plainAddress(peer.slice(0, Math.max(0, peer.lastIndexOf(':'))));
}

/** IPv4 addresses as such, also if they came in over IPv6 (RFC 4291, section 2.5.5.2). */
export function plainAddress(address: string): string {
  return address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address;
}
