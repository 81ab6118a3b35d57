/** IPv6 gives each network 64 bits to choose addresses from (RFC 4291, section 2.5.4): one machine can have them all. */
const BLOCK_GROUPS = 4;
const GROUPS = 8;

/** What counts as one address where it is counted how often something comes: all of an IPv6 network are one. */
export function addressBlock(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const zeros = Math.max(0, GROUPS - before.length - after.length);
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after];
  return `${groups.slice(0, BLOCK_GROUPS).join(':')}::/64`;
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':').map((group) => group.replace(/^0+(?=.)/, '').toLowerCase());
}
