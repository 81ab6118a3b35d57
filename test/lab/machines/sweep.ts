/**
 * Removes labs with everything that is theirs, from what the system shows alone: it is for the end of a lab, however
 * that came about, and for what killed runs left behind. Does what it can, blocks, and may be repeated.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { groupNames, processesInGroups, removeGroups } from './control-groups.ts';
import { isOwned, labOf } from './names.ts';

const NAMESPACES = '/run/netns';
/** Where systemd-nspawn keeps folders by machine, which it leaves there if the machine's init was killed. */
const NSPAWN_FOLDERS = ['/run/systemd/nspawn/propagate', '/run/systemd/nspawn/unix-export'];
const ROUNDS_MAX = 500;
const ROUND_PAUSE_MS = 10;

/** Where a lab keeps its machines. */
export function folderOf(lab: string): string {
  return join(tmpdir(), lab);
}

/** All labs of which something is there. */
export function existingLabs(): string[] {
  const names = [...groupNames(), ...namesIn(NAMESPACES), ...namesIn(tmpdir()), ...NSPAWN_FOLDERS.flatMap(namesIn)];
  return [...new Set(names.map(labOf).filter((lab) => lab !== undefined))];
}

/** Removes the labs whose process has ended. */
export function sweepLeftovers(): void {
  for (const lab of existingLabs()) if (!isOwned(lab)) sweepLab(lab);
}

export function sweepLab(lab: string): void {
  for (const name of groupNames()) if (labOf(name) === lab) removeMachineProcesses(name);
  for (const name of namesIn(NAMESPACES)) if (labOf(name) === lab) attempt('ip', ['netns', 'delete', name]);
  unmountBelow(folderOf(lab));
  for (const folder of NSPAWN_FOLDERS)
    for (const name of namesIn(folder)) if (labOf(name) === lab) remove(join(folder, name));
  // Never through a mount: a machine may have folders of the host bound into it.
  if (mountsBelow(folderOf(lab)).length === 0) remove(folderOf(lab));
}

/** Ends all that is in a machine's groups, and removes these. */
export function removeMachineProcesses(group: string): void {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const pids = processesInGroups(group);
    if (pids.length === 0) break;
    for (const pid of pids) kill(pid);
    pauseMs(ROUND_PAUSE_MS);
  }
  removeGroups(group);
}

/** The deepest first. */
export function unmountBelow(folder: string): void {
  for (const mount of mountsBelow(folder)) if (!attempt('umount', [mount])) attempt('umount', ['--lazy', mount]);
}

function mountsBelow(folder: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((mount) => `${mount}/`.startsWith(`${folder}/`))
    .sort((one, other) => other.length - one.length);
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function attempt(program: string, words: readonly string[]): boolean {
  try {
    execFileSync(program, words, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // The next sweep finds it.
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** Blocks, since a process that ends can't wait for promises. */
function pauseMs(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}
