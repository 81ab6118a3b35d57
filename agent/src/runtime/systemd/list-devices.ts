import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Every workload has these, or none may have them: terminals, memory, and what comes and goes by the hundred. */
const NOT_OFFERED =
  /^\/dev\/(null|zero|full|random|urandom|console|ptmx|kmsg|mem|port|tty\d*|(vcs|loop|ram|hvc|nbd|dm-)[^/]*|(pts|shm|mqueue|hugepages|fd|char|block|bus|cpu|mapper|disk)\/.*)$/;
const DEPTH_MAX = 2;
const DEVICES_MAX = 256;

/** Devices of this machine that jobs may ask for, such as "/dev/kvm" and "/dev/dri/renderD128"; in order. */
export function listDevices(): string[] {
  return devicesBelow('/dev', 1).toSorted().slice(0, DEVICES_MAX);
}

function devicesBelow(folder: string, depth: number): string[] {
  return entries(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (NOT_OFFERED.test(path) || NOT_OFFERED.test(`${path}/x`)) return [];
    if (entry.isDirectory()) return depth < DEPTH_MAX ? devicesBelow(path, depth + 1) : [];
    return entry.isCharacterDevice() || entry.isBlockDevice() ? [path] : [];
  });
}

function entries(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
