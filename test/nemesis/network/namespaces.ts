/**
 * Network namespaces for one run: a hub that routes, in which the clients are, and one for each member behind a link of
 * its own. Members listen on loopback only; so loopback is what is routed here, see route_localnet in the kernel's
 * ip-sysctl. Nothing of it is seen outside of these namespaces.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { systemCommand } from '../system-command.ts';

/** Names begin with this and the number of the process that made them. */
const PREFIX = 'cellnem-';
const NAMESPACES_FOLDER = '/run/netns';
const HUB_ADDRESS = '127.77.0.254';
const SUBNET = '127.77.0.0/24';

export interface Network {
  readonly prefix: string;
  readonly members: number;
}

/** Of everything that this process makes. */
export function ownPrefix(): string {
  return `${PREFIX}${process.pid}-`;
}

export function hubOf({ prefix }: Network): string {
  return `${prefix}hub`;
}

export function namespaceOf({ prefix }: Network, member: number): string {
  return `${prefix}m${member}`;
}

export function addressOf(member: number): string {
  return `127.77.0.${member}`;
}

/** The hub's end of a member's link. */
export function linkOf(member: number): string {
  return `to-m${member}`;
}

/** Makes all namespaces; on failure the caller removes what there is. */
export function makeNetwork(members: number): Network {
  const network = { prefix: ownPrefix(), members };
  const all = [hubOf(network), ...memberIds(network).map((member) => namespaceOf(network, member))];
  for (const namespace of all) makeNamespace(namespace);
  ip(hubOf(network), [`address add ${HUB_ADDRESS}/32 dev lo`]);
  for (const member of memberIds(network)) connectMember(network, member);
  return network;
}

function memberIds({ members }: Network): number[] {
  return Array.from({ length: members }, (_, place) => place + 1);
}

function makeNamespace(namespace: string): void {
  systemCommand('ip', ['netns', 'add', namespace]);
  // The whole 127/8 would otherwise be taken to be local.
  ip(namespace, ['link set lo up', 'address del 127.0.0.1/8 dev lo', 'address add 127.0.0.1/32 dev lo']);
  const settings = [
    'conf/all/route_localnet=1',
    'conf/default/route_localnet=1',
    'ip_forward=1',
    'conf/all/rp_filter=0',
  ];
  const script = settings.map((each) => `echo ${each.split('=')[1]} >/proc/sys/net/ipv4/${each.split('=')[0]}`);
  systemCommand('ip', ['netns', 'exec', namespace, 'sh', '-ec', script.join('\n')]);
}

function connectMember(network: Network, member: number): void {
  const hub = hubOf(network);
  const own = namespaceOf(network, member);
  const address = addressOf(member);
  const link = linkOf(member);
  ip(hub, [`link add ${link} type veth peer name eth0 netns ${own}`, `link set ${link} up`]);
  ip(own, [
    `address add ${address}/32 dev eth0`,
    'link set eth0 up',
    `route add ${HUB_ADDRESS} dev eth0 src ${address}`,
    `route add ${SUBNET} via ${HUB_ADDRESS} dev eth0 src ${address}`,
  ]);
  ip(hub, [`route add ${address} dev ${link} src ${HUB_ADDRESS}`]);
}

/** Runs commands of ip(8) in a namespace. */
export function ip(namespace: string, commands: readonly string[]): void {
  systemCommand('ip', ['-netns', namespace, '-batch', '-'], `${commands.join('\n')}\n`);
}

/** Ends what runs in them, and removes them. Does what it can, and is quick: it also runs while a process ends. */
export function removeNetwork(prefix: string): void {
  for (const namespace of namespacesWith(prefix)) {
    for (const pid of processesIn(namespace)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    try {
      systemCommand('ip', ['netns', 'delete', namespace]);
    } catch {
      // Another run has removed it meanwhile.
    }
  }
}

function processesIn(namespace: string): number[] {
  try {
    return systemCommand('ip', ['netns', 'pids', namespace]).split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Removes what runs left behind that were killed. */
export function removeLeftNetworks(): void {
  for (const name of namespacesWith(PREFIX)) {
    const pid = Number(/^cellnem-(\d+)-/.exec(name)?.[1]);
    if (Number.isSafeInteger(pid) && !isNemesis(pid)) removeNetwork(`${PREFIX}${pid}-`);
  }
}

/** Numbers of processes are used again. */
function isNemesis(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('nemesis');
  } catch {
    return false;
  }
}

function namespacesWith(prefix: string): string[] {
  if (!existsSync(NAMESPACES_FOLDER)) return [];
  return readdirSync(NAMESPACES_FOLDER).filter((name) => name.startsWith(prefix));
}
