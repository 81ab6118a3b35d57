import { expect } from 'vitest';
import { waitFor } from '../../cluster/harness/wait-for.ts';
import type { Machine } from '../machines/machine.ts';
import { addRepository, apt, installPackages } from './install-packages.ts';
import { configure, foundControlPlane, joinAgents, logIn } from './installed-fleet.ts';
import { repositoryTest } from './shared-fleet.ts';

const PACKAGES = ['cell-control-plane', 'cell-agent', 'cellctl'];

/** What changes by itself, or by any installation. */
const UNLISTED = [
  '/proc',
  '/sys',
  '/dev',
  '/run',
  '/tmp',
  '/var/tmp',
  '/var/log',
  '/var/cache/apt',
  '/var/lib/apt',
  '/var/lib/dpkg',
  '/etc/mtab',
  '/var/cache/ldconfig',
  '/var/lib/systemd',
];

const JOB = `
name = "keeper"
command = ["sh", "-c", "echo kept >$STATE_DIRECTORY/file; exec sleep infinity"]
directories = ["state"]
`;

repositoryTest('removed packages leave the data, purged packages leave nothing', async ({ lab, repository, url }) => {
  const machine = await lab.make('single');
  await machine.boot();
  addRepository(machine, repository, url);
  const before = await listing(machine);

  configure(machine, machine.address);
  await installPackages(machine, PACKAGES);
  await logIn(machine, await foundControlPlane([machine]), [machine]);
  await joinAgents([machine], machine);
  await waitFor(async () => (await machine.succeed('cellctl fleet status')).includes('1 node ready'), {
    what: 'a fleet of one machine',
    timeoutMs: 60_000,
  });
  await machine.succeed(['cellctl', 'job', 'run', '-'], { input: JOB });
  expect(await units(machine)).toHaveLength(1);

  expect(await apt(machine, 'remove', ...PACKAGES)).toMatchObject({ exitCode: 0 });
  expect(await units(machine)).toEqual([]);
  expect(await machine.succeed('pgrep --exact sleep || true')).toBe('');
  expect(await machine.succeed('ls /var/lib/cell')).toBe('agent\ncontrol-plane\n');
  expect(await machine.succeed('cat /var/lib/*/cell-jobs/keeper-0/file')).toBe('kept\n');

  await installPackages(machine, PACKAGES);
  // What the member has kept says that it is healthy, until the agent says more.
  await waitFor(async () => (await units(machine)).length === 1, { what: 'the job to run again', timeoutMs: 60_000 });
  await waitFor(async () => (await machine.succeed('cellctl job show keeper')).includes('healthy'), {
    what: 'the job to be healthy again',
    timeoutMs: 60_000,
  });

  await machine.succeed('rm -r /etc/cell/admin-token /etc/cell/member-token ~/.config');
  expect(await apt(machine, 'purge', '--auto-remove', 'cell-runtime', ...PACKAGES)).toMatchObject({ exitCode: 0 });
  expect(await units(machine)).toEqual([]);
  expect(difference(before, await listing(machine))).toEqual([]);
  await machine.losePower();
});

async function units(machine: Machine): Promise<string[]> {
  const command = "systemctl list-units --plain --no-legend --type=service 'cell-keeper*'";
  return (await machine.succeed(command)).split('\n').filter(Boolean);
}

/** Paths of all files, and what stands in the lists of users and groups. */
async function listing(machine: Machine): Promise<string[]> {
  const pruned = UNLISTED.map((path) => `-path ${path}`).join(' -o ');
  const files = await machine.succeed(`find / -xdev \\( ${pruned} \\) -prune -o -print`);
  return [...files.split('\n'), ...(await machine.succeed('cat /etc/passwd /etc/group')).split('\n')];
}

function difference(before: readonly string[], after: readonly string[]): string[] {
  const gone = new Set(before).difference(new Set(after));
  const come = new Set(after).difference(new Set(before));
  return [...[...gone].map((each) => `- ${each}`), ...[...come].map((each) => `+ ${each}`)];
}
