import { plainType, refuse, type ValueType } from './value-type.ts';

const words: readonly unknown[] = ['any', 'localhost', 'link-local', 'multicast'];
const ALLOWED =
  'an IPv4 or IPv6 address, one with the length of a prefix such as "10.0.0.0/8" or "2001:db8::/32", or "any", ' +
  '"localhost", "link-local" or "multicast"';

const IPV4_BITS = 32;
const IPV6_BITS = 128;
const IPV6_GROUPS = 8;
/** The longest that makes sense is an IPv6 address that ends in an IPv4 one, and its prefix. */
const LENGTH_MAX = 64;

/** Addresses in the words of systemd.resource-control(5), "IPAddressAllow". */
export const networkAddress: ValueType<string> = plainType(ALLOWED, (value) => {
  if (words.includes(value)) return [];
  if (typeof value !== 'string' || value.length > LENGTH_MAX) return refuse(value, ALLOWED);
  const [, address = '', prefix] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  const bits = addressBits(address);
  if (bits === undefined) return refuse(value, ALLOWED, hostHint(value));
  if (prefix === undefined) return [];
  const fits = Number(prefix) <= bits && String(Number(prefix)) === prefix;
  return fits ? [] : refuse(value, ALLOWED, `the prefix of such an address has 0 to ${bits} bits`);
});

/** 32 or 128; undefined if the text is no address. */
function addressBits(address: string): number | undefined {
  if (isIpv4(address)) return IPV4_BITS;
  return isIpv6(address) ? IPV6_BITS : undefined;
}

/** Four numbers, without zeros before them: others read those as octal. */
function isIpv4(address: string): boolean {
  const parts = address.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

/** RFC 4291, section 2.2: groups of hexadecimal digits, "::" once for one or more of zeros, maybe IPv4 at the end. */
function isIpv6(address: string): boolean {
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.map((half, index) => countGroups(half, index === halves.length - 1));
  const [first, second] = groups;
  if (first === undefined || groups.includes(undefined)) return false;
  return second === undefined ? first === IPV6_GROUPS : first + second < IPV6_GROUPS;
}

/** Undefined if one is wrong. An IPv4 address stands for two, and only at the very end. */
function countGroups(half: string, atEnd: boolean): number | undefined {
  if (half === '') return 0;
  const parts = half.split(':');
  const last = parts.at(-1) ?? '';
  const endsInIpv4 = atEnd && isIpv4(last);
  const groups = endsInIpv4 ? parts.slice(0, -1) : parts;
  if (!groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return groups.length + (endsInIpv4 ? 2 : 0);
}

/** Names are what people write first, and addresses are what the kernel compares. */
function hostHint(value: string): string | undefined {
  if (value === '*' || value === 'all') return 'did you mean "any"?';
  return /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$/i.test(value) ? 'names of hosts are not looked up' : undefined;
}
