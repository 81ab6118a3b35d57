import { isIPv4, isIPv6 } from 'node:net';
import { AgentError } from '../../agent-error.ts';

/** Family, address and leading bits that count, as `IPAddressDeny` has them on D-Bus ("a(iayu)"). */
export type AddressRange = readonly [family: number, address: Uint8Array, bits: number];

/** As in <sys/socket.h> of Linux. */
const FAMILY_4 = 2;
const FAMILY_6 = 10;
const BITS_4 = 32;
const BITS_6 = 128;

/** systemd.resource-control(5) has these words for files only, not on D-Bus. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  any: ['0.0.0.0/0', '::/0'],
  localhost: ['127.0.0.0/8', '::1/128'],
  'link-local': ['169.254.0.0/16', 'fe80::/64'],
  multicast: ['224.0.0.0/4', 'ff00::/8'],
};

/** Ranges of "any", "localhost", "link-local", "multicast", an address or "ADDRESS/BITS". */
export function addressRanges(text: string): AddressRange[] {
  return (WORDS[text] ?? [text]).map(range);
}

function range(text: string): AddressRange {
  const [address = '', bits] = text.split('/');
  if (isIPv4(address)) return [FAMILY_4, bytes4(address), bitsOf(text, bits, BITS_4)];
  if (isIPv6(address)) return [FAMILY_6, bytes6(address), bitsOf(text, bits, BITS_6)];
  throw unknown(text);
}

function bitsOf(text: string, bits: string | undefined, most: number): number {
  const number = Number(bits ?? most);
  if (!/^\d{1,3}$/.test(bits ?? '0') || number > most) throw unknown(text);
  return number;
}

function bytes4(address: string): Uint8Array {
  return Uint8Array.from(address.split('.').map(Number));
}

/** Also with "::" and with an IPv4 address at the end. */
function bytes6(address: string): Uint8Array {
  const [before = '', after] = address.split('::').map(groups);
  const head = before === '' ? [] : before;
  const tail = after ?? [];
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return Uint8Array.from([...head, ...zeros, ...tail].flatMap((group) => [group >> 8, group & 0xff]));
}

function groups(text: string): number[] {
  return text
    .split(':')
    .filter((part) => part !== '')
    .flatMap((part) => {
      if (!part.includes('.')) return [Number.parseInt(part, 16)];
      const [a = 0, b = 0, c = 0, d = 0] = bytes4(part);
      return [(a << 8) | b, (c << 8) | d];
    });
}

function unknown(text: string): AgentError {
  return new AgentError('CELL_E_CANNOT_RUN', `Could not read "${text}" as a range of network addresses`);
}
