/**
 * The network of a lab: a namespace with a bridge, the hub, and a namespace for each machine with a link to it. The
 * host's own network sees nothing of it, so its addresses can't collide with anything.
 */
import { runCommand } from './run-command.ts';

const BITS = 16;
const BRIDGE = 'hub0';
/** Machines beyond this would leave the address range. */
const MACHINES_MAX = 0xff_00;
const FIRST_HOST_NUMBER = 10;

export const HUB_ADDRESS = '10.77.0.1';

/** Of the machine that was made as the nth, from 0. */
export function addressOf(place: number): string {
  if (place >= MACHINES_MAX) throw new Error(`A lab has at most ${MACHINES_MAX} machines`);
  const number = place + FIRST_HOST_NUMBER;
  return `10.77.${number >> 8}.${number & 0xff}`;
}

export function hubOf(lab: string): string {
  return `${lab}-hub`;
}

function linkOf(place: number): string {
  return `m${place}`;
}

/** Runs commands of ip(8) in a namespace. */
function ip(namespace: string, commands: readonly string[]): Promise<string> {
  return runCommand('ip', ['-netns', namespace, '-batch', '-'], `${commands.join('\n')}\n`);
}

export async function makeHub(lab: string): Promise<void> {
  await runCommand('ip', ['netns', 'add', hubOf(lab)]);
  await ip(hubOf(lab), [
    'link set lo up',
    `link add ${BRIDGE} type bridge`,
    `address add ${HUB_ADDRESS}/${BITS} dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
  ]);
}

/** Makes the namespace of a machine, with its address on eth0. */
export async function connectMachine(lab: string, namespace: string, place: number): Promise<void> {
  await runCommand('ip', ['netns', 'add', namespace]);
  await ip(hubOf(lab), [
    `link add ${linkOf(place)} type veth peer name eth0 netns ${namespace}`,
    `link set ${linkOf(place)} master ${BRIDGE} up`,
  ]);
  await ip(namespace, [
    'link set lo up',
    `address add ${addressOf(place)}/${BITS} dev eth0`,
    'link set eth0 up',
    `route add default via ${HUB_ADDRESS}`,
  ]);
}

/** Like pulling the machine's cable out, or putting it back in. */
export async function setLink(lab: string, place: number, state: 'up' | 'down'): Promise<void> {
  await ip(hubOf(lab), [`link set ${linkOf(place)} ${state}`]);
}

/** From now on packets from and to these addresses, and no others, are dropped in the namespace. */
export async function dropAddresses(namespace: string, addresses: readonly string[]): Promise<void> {
  const elements = addresses.length === 0 ? '' : `elements = { ${addresses.join(', ')} }`;
  const rules = `table inet cell_lab
delete table inet cell_lab
table inet cell_lab {
  set cut { type ipv4_addr; ${elements}; }
  chain input { type filter hook input priority -300; ip saddr @cut drop; }
  chain output { type filter hook output priority -300; ip daddr @cut drop; }
}
`;
  await runCommand('nsenter', [`--net=/run/netns/${namespace}`, 'nft', '-f', '-'], rules);
}
