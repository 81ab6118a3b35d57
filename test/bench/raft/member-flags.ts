import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');

/** The flags that the launcher gives to members, so that what is measured here runs as they do. */
export function memberFlags(): readonly string[] {
  const script = '. "$root/scripts/runtime.sh"; echo $node_flags $member_flags';
  const flags = execFileSync('sh', ['-euc', script], { env: { ...process.env, root: ROOT }, encoding: 'utf8' });
  return flags
    .trim()
    .split(/\s+/)
    .filter((flag) => flag !== '');
}
