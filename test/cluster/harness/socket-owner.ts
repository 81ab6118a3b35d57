import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Of /proc/net/tcp: where the connection begins, and its inode; see proc(5). */
const LOCAL = 1;
const INODE = 9;

/** Which of the processes has the IPv4 connection that begins at the port; undefined if none. */
export function socketOwner(port: number, pids: readonly number[]): number | undefined {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words[LOCAL]?.endsWith(suffix))
    .map((words) => `socket:[${words[INODE]}]`);
  return pids.find((pid) => openFiles(pid).some((file) => inodes.includes(file)));
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => linkOf(`/proc/${pid}/fd/${name}`));
  } catch {
    // It has ended.
    return [];
  }
}

function linkOf(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}
