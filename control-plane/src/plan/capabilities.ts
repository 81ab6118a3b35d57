import { type AskedCapability, askedCapabilities, type JobSpec } from '@cell/job';
import type { Inventory } from '../model/entities.ts';
import { meetsAll } from './constraints.ts';

/** Whether a node meets a job's constraints and can do all that it asks for; for many nodes after each other. */
export function suitsJob(spec: JobSpec): (inventory: Inventory) => boolean {
  const asked = askedCapabilities(spec);
  return (inventory) =>
    meetsAll(spec.constraints, inventory.attributes) &&
    asked.every(({ capability }) => inventory.capabilities.includes(capability));
}

/** What a job asks for and the node can't do. */
export function lackedCapabilities(spec: JobSpec, inventory: Inventory): readonly AskedCapability[] {
  return askedCapabilities(spec).filter(({ capability }) => !inventory.capabilities.includes(capability));
}

/** Such as `limits.memory_max: the node can't limit memory` or `devices: no "/dev/kvm" there`. */
export function describeLacked({ key, capability }: AskedCapability): string {
  const path = deviceOf(capability);
  if (path !== undefined) return `${key}: no "${path}" there`;
  return `${key}: the node can't ${abilities[capability] ?? `do "${capability}"`}`;
}

/** What would help one node that lacks these, in the words of a job file. */
export function hintForLacked(lacked: readonly AskedCapability[], runtime: string): string {
  const devices = lacked.flatMap(({ capability }) => deviceOf(capability) ?? []);
  const parts: string[] = [];
  if (devices.length < lacked.length) {
    const runsSystemd = runtime === 'systemd';
    const able = lacked.filter(({ capability }) => deviceOf(capability) === undefined);
    const words = able.map(({ capability }) => abilities[capability] ?? capability);
    parts.push(runsSystemd ? `that can ${listed(words)}` : 'whose agent has runtime = "systemd"');
  }
  if (devices.length > 0) parts.push(`that has ${listed(devices.map((path) => `"${path}"`))}`);
  const keys = [...new Set(lacked.map(({ key }) => key))];
  return `add a node ${parts.join(' and ')}, or take ${listed(keys)} out`;
}

/** `a, b and c` */
function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** Goes on after "can" and "can't". */
const abilities: Readonly<Record<string, string>> = {
  'sandbox.strict': 'shut workloads off strictly',
  'user.dynamic': 'make users for instances',
  credentials: 'hand over credentials',
  'environment-files': 'read environment files',
  directories: 'keep directories for instances',
  'limit.memory-max': 'limit memory',
  'limit.memory-high': 'slow down what takes much memory',
  'limit.cpu-max': 'limit processor time',
  'limit.cpu-weight': 'share out processor time by weight',
  'limit.io-weight': 'share out disk I/O by weight',
  'limit.tasks-max': 'limit tasks',
  'limit.files-max': 'limit open files',
  'network.private': 'cut workloads off from the network',
  'network.addresses': 'filter network addresses',
};

const DEVICE_PREFIX = 'device:';

function deviceOf(capability: string): string | undefined {
  return capability.startsWith(DEVICE_PREFIX) ? capability.slice(DEVICE_PREFIX.length) : undefined;
}
