/**
 * A fleet to play with: `make lab`, and `make lab-stop` for one that runs in another terminal. It goes with Ctrl-C, and
 * nothing of it is left: see machines/keeper-main.ts.
 */
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { buildRepository, whyNoPackages } from './fleet/build-repository.ts';
import { type InstalledFleet, installFleet, SIX_MACHINES } from './fleet/installed-fleet.ts';
import { Lab } from './machines/lab.ts';
import { commandLineOf, isOwned, ownerOf } from './machines/names.ts';
import { existingLabs, sweepLeftovers } from './machines/sweep.ts';
import { whyNoLab } from './machines/why-no-lab.ts';

const VERSION = '0.1.0';
const POLL_MS = 100;
const STOP_MS_MAX = 60_000;
const MS_PER_S = 1000;

const startedMs = performance.now();

function say(line: string): void {
  const seconds = ((performance.now() - startedMs) / MS_PER_S).toFixed(0).padStart(4);
  process.stdout.write(`${seconds} s  ${line}\n`);
}

async function start(): Promise<void> {
  say('Making a small Debian for the machines, which takes a while the first time');
  const missing = (await whyNoLab()) ?? whyNoPackages();
  if (missing !== undefined) throw new Error(missing);
  const lab = await Lab.open();
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), once(process, 'SIGHUP')]);
  try {
    const played = await Promise.race([install(lab), ended.then(() => undefined)]);
    if (played !== undefined) {
      process.stdout.write(instructions(played));
      await ended;
    }
  } finally {
    say('Removing the machines');
    await lab.destroy();
  }
}

async function install(lab: Lab): Promise<InstalledFleet> {
  const repository = join(lab.folder, 'repository');
  say('Building packages and the repository');
  await buildRepository(repository, VERSION);
  return installFleet(lab, { names: SIX_MACHINES, repository, url: lab.serve('cell', repository), say });
}

function instructions({ controlPlane, workers }: InstalledFleet): string {
  const list = [...controlPlane, ...workers].map(({ name, address }) => `  ${name.padEnd(10)}${address}`).join('\n');
  return `
A fleet of six machines is up; each of them runs systemd, apt, and an agent:

${list}

In another terminal, as root:

  test/lab/enter cp-1                                  a shell there; "poweroff" and "reboot" work
  test/lab/enter cp-1 cellctl fleet status
  test/lab/enter cp-1 cellctl job run - <examples/uptime.toml
  test/lab/enter worker-1 systemctl status cell.slice
  test/lab/enter worker-1 journalctl CELL_JOB=uptime

Ctrl-C here, or "make lab-stop" there, removes it all.
`;
}

/** Ends every "make lab" of this machine, and waits until nothing of it is left. */
async function stop(): Promise<void> {
  sweepLeftovers();
  const labs = existingLabs().filter((lab) => isOwned(lab) && commandLineOf(ownerOf(lab)).includes('lab-main.ts'));
  for (const lab of labs) process.kill(ownerOf(lab), 'SIGTERM');
  const endMs = performance.now() + STOP_MS_MAX;
  while (labs.some((lab) => existingLabs().includes(lab))) {
    if (performance.now() > endMs) throw new Error(`Waited ${STOP_MS_MAX} ms for the machines to be removed`);
    await setTimeout(POLL_MS);
  }
  process.stdout.write(labs.length === 0 ? 'There is no lab\n' : 'The lab is gone\n');
}

const [command, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (command !== undefined && command !== 'stop')) {
  process.stderr.write('Usage: lab-main.ts [stop]\n');
  process.exitCode = 2;
} else {
  try {
    await (command === 'stop' ? stop() : start());
  } catch (error) {
    const { message, cause } = error as Error;
    process.stderr.write(`${message}${cause instanceof Error ? `: ${cause.message}` : ''}\n`);
    process.exitCode = 1;
  }
  // Connections of the client may be left.
  process.exit();
}
