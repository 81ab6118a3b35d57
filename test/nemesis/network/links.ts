import { systemCommand } from '../system-command.ts';
import { addressOf, hubOf, ip, linkOf, type Network, namespaceOf } from './namespaces.ts';

/** Packets from the one member to the other are dropped. */
export type Cut = readonly [from: number, to: number];

/** How a slow link is made: by netem, or where the kernel has none, by a bucket that lets few bytes through. */
const SLOW = {
  netem: 'netem delay 30ms 20ms loss 3%',
  bucket: 'tbf rate 400kbit burst 8kb latency 300ms',
} as const;

/** What is done to the packets between members. Each change gives what undoes it; changes may overlap. */
export class Links {
  readonly #network: Network;
  /** How many want the cut, by its rule. */
  readonly #cuts = new Map<string, number>();
  readonly #slow = new Map<number, number>();
  readonly slowness: keyof typeof SLOW;

  constructor(network: Network) {
    this.#network = network;
    this.slowness = hasNetem(network) ? 'netem' : 'bucket';
  }

  cut(cuts: readonly Cut[]): () => void {
    const rules = cuts.map(([from, to]) => `from ${addressOf(from)} to ${addressOf(to)} blackhole`);
    this.#change(rules, 'add', 1);
    return once(() => this.#change(rules, 'delete', -1));
  }

  /** Both ways, between the hub and the member. */
  slow(members: readonly number[]): () => void {
    for (const member of members) this.#slowBy(member, 1);
    return once(() => {
      for (const member of members) this.#slowBy(member, -1);
    });
  }

  #change(rules: readonly string[], verb: 'add' | 'delete', by: 1 | -1): void {
    const changed = rules.filter((rule) => {
      const before = this.#cuts.get(rule) ?? 0;
      this.#cuts.set(rule, before + by);
      return verb === 'add' ? before === 0 : before === 1;
    });
    if (changed.length > 0)
      ip(
        hubOf(this.#network),
        changed.map((rule) => `rule ${verb} ${rule}`),
      );
  }

  #slowBy(member: number, by: 1 | -1): void {
    const count = (this.#slow.get(member) ?? 0) + by;
    this.#slow.set(member, count);
    if (by === 1 && count > 1) return;
    if (by === -1 && count > 0) return;
    const change = by === 1 ? ['replace', SLOW[this.slowness]] : ['delete', ''];
    trafficControl(hubOf(this.#network), linkOf(member), change as [string, string]);
    trafficControl(namespaceOf(this.#network, member), 'eth0', change as [string, string]);
  }
}

function trafficControl(namespace: string, device: string, [verb, discipline]: readonly [string, string]): void {
  const words = `qdisc ${verb} dev ${device} root ${discipline}`.trim().split(' ');
  systemCommand('tc', ['-netns', namespace, ...words]);
}

function hasNetem(network: Network): boolean {
  try {
    trafficControl(hubOf(network), 'lo', ['add', 'netem delay 1ms']);
  } catch {
    return false;
  }
  trafficControl(hubOf(network), 'lo', ['delete', '']);
  return true;
}

function once(work: () => void): () => void {
  let done = false;
  return () => {
    if (!done) work();
    done = true;
  };
}
