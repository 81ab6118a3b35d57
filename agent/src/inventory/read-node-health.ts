import { readFile, statfs } from 'node:fs/promises';
import { freemem, loadavg } from 'node:os';

/** What a node is like now. */
export interface NodeHealth {
  /** Average of one minute. */
  readonly load: number;
  /** What new workloads could use without swapping. */
  readonly memoryAvailableBytes: number;
  /** Of the data folder's file system. */
  readonly diskFreeBytes: number;
}

export async function readNodeHealth(dataFolder: string): Promise<NodeHealth> {
  const [memory, disk] = await Promise.all([readFile('/proc/meminfo', 'latin1').catch(() => ''), statfs(dataFolder)]);
  const availableKib = /^MemAvailable:\s+(\d+) kB$/m.exec(memory)?.[1];
  return {
    load: loadavg()[0] ?? 0,
    memoryAvailableBytes: availableKib === undefined ? freemem() : Number(availableKib) * 1_024,
    diskFreeBytes: disk.bavail * disk.bsize,
  };
}
