import { BlockList, isIP } from 'node:net';
import { type Setting, scalar } from './setting.ts';

/** Whose requests are let in: "loopback", "any", an address, or a network such as "10.0.0.0/8". */
export type AddressEntry = string;

const NETWORK = /^([^/]+)\/(\d{1,3})$/;
const MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/** One entry of an `AddressList`. */
export function addressEntry(): Setting<AddressEntry> {
  const allowed = '"loopback", "any", an address, or a network such as "10.0.0.0/8"';
  return scalar(allowed, (value) => (typeof value === 'string' && addTo(new BlockList(), value) ? value : undefined));
}

/** Addresses that are meant by a list of entries. */
export class AddressList {
  readonly #addresses = new BlockList();

  /** Entries that `addressEntry` refuses mean nobody. */
  constructor(entries: readonly AddressEntry[]) {
    for (const entry of entries) addTo(this.#addresses, entry);
  }

  /** `address`: as a socket gives it; IPv4 in the form of IPv6 ("::ffff:10.0.0.1") is IPv4. */
  has(address: string): boolean {
    const plain = plainAddress(address);
    const version = isIP(plain);
    return version !== 0 && this.#addresses.check(plain, family(version));
  }
}

/** Without the zone of a link-local address, and IPv4 as such. */
export function plainAddress(address: string): string {
  const unzoned = address.split('%', 1)[0]!;
  return MAPPED.exec(unzoned)?.[1] ?? unzoned;
}

/** Whether the entry could be understood. */
function addTo(addresses: BlockList, entry: AddressEntry): boolean {
  if (entry === 'loopback') return addTo(addresses, '127.0.0.0/8') && addTo(addresses, '::1');
  if (entry === 'any') return addTo(addresses, '0.0.0.0/0') && addTo(addresses, '::/0');
  const [, network, digits] = NETWORK.exec(entry) ?? [];
  const address = plainAddress(network ?? entry);
  const version = isIP(address);
  // The bits of a network in the mapped form count otherwise, and a zone is of this machine only.
  if (version === 0 || (network !== undefined && address !== network) || entry.includes('%')) return false;
  if (digits === undefined) {
    addresses.addAddress(address, family(version));
    return true;
  }
  const bits = Number(digits);
  if (bits > (version === 4 ? 32 : 128)) return false;
  addresses.addSubnet(address, bits, family(version));
  return true;
}

function family(version: number): 'ipv4' | 'ipv6' {
  return version === 4 ? 'ipv4' : 'ipv6';
}
