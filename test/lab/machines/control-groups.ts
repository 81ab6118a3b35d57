/**
 * A control group for each machine, in every hierarchy that the host has: its systemd takes this for the root. Machines
 * that shared one would count and limit each other's units.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MOUNT = '/sys/fs/cgroup';
/** What limits of units take, where there is but one hierarchy (cgroup v2). */
const CONTROLLERS = ['cpu', 'memory', 'io', 'pids'];

/** Whether the host has only cgroup v2. */
export function isUnified(): boolean {
  return existsSync(join(MOUNT, 'cgroup.procs'));
}

function hierarchies(): string[] {
  if (isUnified()) return [MOUNT];
  return readdirSync(MOUNT)
    .map((name) => join(MOUNT, name))
    .filter((folder) => existsSync(join(folder, 'cgroup.procs')));
}

/** Makes the groups, and gives their folders; a process enters by writing its number into each one's `cgroup.procs`. */
export function makeGroups(name: string): string[] {
  return hierarchies().map((hierarchy) => {
    for (const controller of isUnified() ? CONTROLLERS : [])
      attempt(() => writeFileSync(join(hierarchy, 'cgroup.subtree_control'), `+${controller}`));
    const group = join(hierarchy, name);
    mkdirSync(group, { recursive: true });
    // A group of v1's cpuset takes nobody in before it has been told its cores.
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (!isUnified() && existsSync(join(group, file)))
        writeFileSync(join(group, file), readFileSync(join(hierarchy, file), 'utf8'));
    return group;
  });
}

/** Names of all groups directly below the hierarchies' roots. */
export function groupNames(): Set<string> {
  return new Set(hierarchies().flatMap((hierarchy) => foldersIn(hierarchy)));
}

/** Processes in the groups of that name and in all below. */
export function processesInGroups(name: string): number[] {
  const folders = hierarchies().flatMap((hierarchy) => withAllBelow(join(hierarchy, name)));
  const pids = folders.flatMap((folder) => readLines(join(folder, 'cgroup.procs')).map(Number));
  return [...new Set(pids)].filter((pid) => pid > 1);
}

/** They must be empty. What can't be removed stays. */
export function removeGroups(name: string): void {
  for (const hierarchy of hierarchies())
    for (const folder of withAllBelow(join(hierarchy, name)).reverse()) attempt(() => rmdirSync(folder));
}

/** The folder first, then what is in it. */
function withAllBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return [folder, ...foldersIn(folder).flatMap((name) => withAllBelow(join(folder, name)))];
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean);
  } catch {
    return [];
  }
}

function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // It is gone meanwhile, or this host doesn't have it.
  }
}
