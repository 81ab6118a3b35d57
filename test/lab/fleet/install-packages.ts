import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine } from '../machines/machine.ts';
import type { CommandEnd } from '../machines/run-command.ts';

/** Unpacking on a machine that has other things to do. */
const INSTALL_MS_MAX = 240_000;

/** Makes a repository known to a machine, as docs/installation.md has a person do it. */
export function addRepository(machine: Machine, repository: string, url: string): void {
  machine.write('/etc/apt/keyrings/cell.asc', readFileSync(join(repository, 'cell.asc')));
  const sources = readFileSync(join(repository, 'cell.sources'), 'utf8');
  machine.write('/etc/apt/sources.list.d/cell.sources', sources.replace(/^URIs: .*$/m, `URIs: ${url}`));
}

/** `apt-get` with the words, which asks nobody anything. */
export function apt(machine: Machine, ...words: string[]): Promise<CommandEnd> {
  const quiet = ['--assume-yes', '--quiet', '--no-install-recommends'];
  return machine.run(['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...quiet, ...words], {
    timeoutMs: INSTALL_MS_MAX,
  });
}

/** Rejects, with what apt said, if it fails. */
export async function installPackages(machine: Machine, packages: readonly string[]): Promise<void> {
  for (const words of [['update'], ['install', ...packages]]) {
    const { exitCode, output, errors } = await apt(machine, ...words);
    if (exitCode !== 0) throw new Error(`"apt-get ${words.join(' ')}" failed on "${machine.name}": ${errors}${output}`);
  }
}
