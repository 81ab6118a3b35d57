import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** The flags that the launchers give to long-running processes, so that what is measured here runs as they do. */
export function daemonFlags(): readonly string[] {
  const script = '. "$root/scripts/runtime.sh"; echo $node_flags $daemon_flags';
  const flags = execFileSync('sh', ['-euc', script], { env: { ...process.env, root: ROOT }, encoding: 'utf8' });
  return flags
    .trim()
    .split(/\s+/)
    .filter((flag) => flag !== '');
}
