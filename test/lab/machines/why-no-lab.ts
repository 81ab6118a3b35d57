import { accessSync, constants, existsSync } from 'node:fs';
import { platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { baseTree } from './base-tree.ts';
import { Lab } from './lab.ts';

/** Programs of the host, and the Debian package of each. */
const NEEDED = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
} as const;
/** Characters of what a command complained of, in the reason. */
const REASON_LENGTH_MAX = 500;

let answer: Promise<string | undefined> | undefined;

/** Why there can be no machines here; undefined if there can. Makes their tree, if it isn't there yet, and tries one. */
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
  return (await whyNoTree()) ?? (await whyNoMachine());
}

async function whyNoTree(): Promise<string | undefined> {
  try {
    await baseTree('bookworm');
    return undefined;
  } catch (error) {
    const lines = (error as Error).message.trim().split('\n');
    return `Cannot make a Debian for the machines: ${lines.at(-1)}`;
  }
}

/**
 * Boots one, which takes two seconds: what root may do in a container is told by nothing else. There is nothing of Cell
 * on it that could be at fault.
 */
async function whyNoMachine(): Promise<string | undefined> {
  let lab: Lab | undefined;
  try {
    lab = await Lab.open();
    await lab.boot(['trial']);
    return undefined;
  } catch (error) {
    const { message, cause } = error as Error;
    const text = [message, cause instanceof Error ? cause.message : ''].join(' ').replaceAll(/\s+/g, ' ').trim();
    return `Cannot boot a machine here: ${text.slice(0, REASON_LENGTH_MAX)}`;
  } finally {
    await lab?.destroy();
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
