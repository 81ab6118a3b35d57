/** Where the members are, in the short form of one host each and in the long form. */
import { isLoopback, joinAddress, type RefuseKey, splitAddress } from '@cell/config';
import type { MemberAddress } from '../ports.ts';

/** What `members` may hold: a host, whose id is its place counted from 1, or all of a member. */
export type MemberEntry = string | MemberAddress;

export interface ListenAddresses {
  readonly grpc: string;
  readonly peers: string;
  readonly http: string;
}

const PORTS = { grpc: 7600, peers: 7601, http: 7602 } as const;

/** All of each member; undefined if the forms are mixed, which is refused: places and ids would get into each other. */
export function wholeMembers(entries: readonly MemberEntry[], refuse: RefuseKey): readonly MemberAddress[] | undefined {
  const first = entries.findIndex((entry) => typeof entry !== typeof entries[0]);
  if (first >= 0) {
    refuse(['members', first], 'is in another form than members[0]. Give all as hosts, or all as tables');
    return undefined;
  }
  return entries.map((entry, place) => (typeof entry === 'string' ? wholeMember(entry, place + 1) : entry));
}

function wholeMember(host: string, id: number): MemberAddress {
  const at = (port: number): string => joinAddress(host, port);
  return { id, grpc: at(PORTS.grpc), peers: at(PORTS.peers), http: at(PORTS.http) };
}

export function hostOf(member: MemberAddress): string {
  return splitAddress(member.peers)!.host;
}

/**
 * Where a member listens: as configured; else, if it is told in short, for all who reach its machine; else on loopback.
 */
export function listenAddresses(
  configured: { readonly [K in keyof ListenAddresses]: string | undefined },
  entry: MemberEntry | undefined,
): ListenAddresses {
  const host = typeof entry === 'string' ? listenHost(entry) : '127.0.0.1';
  return {
    grpc: configured.grpc ?? joinAddress(host, PORTS.grpc),
    peers: configured.peers ?? joinAddress(host, PORTS.peers),
    http: configured.http ?? joinAddress(host, PORTS.http),
  };
}

/** A loopback address is kept: three members of one machine have one each. */
function listenHost(host: string): string {
  if (isLoopback(host)) return host;
  return host.includes(':') ? '::' : '0.0.0.0';
}
