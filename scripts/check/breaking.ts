/**
 * Checks that the contracts stay compatible with the newest release (tag `v…`), or before the first one with the last
 * commit: `node scripts/check/breaking.ts [ROOT]`.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const root = resolve(process.argv[2] ?? '.');

/** The output of git, or undefined if it failed. */
function git(...command: string[]): string | undefined {
  const result = spawnSync('git', command, { cwd: root, encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

const against = git('describe', '--tags', '--abbrev=0', '--match', 'v*') ?? 'HEAD';
const contracts = git('ls-tree', '-r', '--name-only', against, '--', 'proto') ?? '';

if (!contracts.split('\n').some((path) => path.endsWith('.proto'))) {
  process.stdout.write(`nothing to compare with: there are no contracts at ${against}\n`);
} else {
  const earlier = `.git#ref=${against},subdir=proto`;
  const result = spawnSync('buf', ['breaking', 'proto', '--against', earlier], { cwd: root, encoding: 'utf8' });
  process.stdout.write(`${result.stdout}${result.stderr}compared with ${against}\n`);
  process.exitCode = result.status === 0 ? 0 : 1;
}
