import { accessSync, constants, existsSync } from 'node:fs';
import { platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { baseTree, hasBaseTree } from './base-tree.ts';

/** Programs of the host, and the Debian package of each. */
const NEEDED = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
} as const;

let answer: Promise<string | undefined> | undefined;

/** Why there can be no machines here; undefined if there can. Makes their tree, if it isn't there yet. */
export function whyNoLab(): Promise<string | undefined> {
  answer ??= find();
  return answer;
}

async function find(): Promise<string | undefined> {
  if (platform() !== 'linux') return 'Machines with systemd are a thing of Linux';
  if (process.getuid?.() !== 0) return 'Making machines takes root';
  for (const [program, debianPackage] of Object.entries(NEEDED))
    if (!isThere(program)) return `Needs "${program}", of Debian's package "${debianPackage}"`;
  for (const path of ['/sys/fs/cgroup', '/proc/self/ns/net'])
    if (!existsSync(path)) return `Needs "${path}", which this kernel doesn't have`;
  if (!isWritable('/sys/fs/cgroup')) return 'This machine does not let control groups be made';
  if (hasBaseTree('bookworm')) return undefined;
  try {
    await baseTree('bookworm');
    return undefined;
  } catch (error) {
    const lines = (error as Error).message.trim().split('\n');
    return `Cannot make a Debian for the machines: ${lines.at(-1)}`;
  }
}

function isThere(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return [...folders, '/usr/sbin', '/sbin'].some((folder) => existsSync(join(folder, program)));
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
