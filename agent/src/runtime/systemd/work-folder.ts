import { join } from 'node:path';
import type { SystemdManager } from './systemd-manager.ts';

/** Of systemd's state, cache and log folders: all that belongs to workloads. */
const FOLDER = 'cell-jobs';
export const STATE_ROOT = '/var/lib';

/** The own folder of an allocation, below `STATE_ROOT`. Never the name of a job's folder, which ends in a number. */
export function ownFolder(id: string): string {
  return `${FOLDER}/allocations/${id}`;
}

/** The same for all allocations of an instance, so that the next one finds what the last one left. */
export function jobFolder(instance: { readonly jobName: string; readonly instance: number }): string {
  return `${FOLDER}/${instance.jobName}-${instance.instance}`;
}

/** The own folder of an allocation: systemd makes it for the user that it makes up, who can see nothing beside it. */
export function workFolderOf(id: string): string {
  return join(STATE_ROOT, ownFolder(id));
}

/**
 * Deletes it, by a unit: the agent has not the right to look into folders of others. For a user made for the instance its
 * name is a link to a place that only root may enter.
 */
export async function removeWorkFolder(manager: SystemdManager, id: string): Promise<void> {
  // Never that of a run: names of jobs have no "_", and one may be called "remove".
  const unit = `cell-remove_${id}.service`;
  const places = [workFolderOf(id), join(STATE_ROOT, 'private', ownFolder(id))];
  await manager.startUnit(unit, [
    ['Description', 's', `Cell removes the folder of allocation ${id}`],
    ['Type', 's', 'oneshot'],
    ['CollectMode', 's', 'inactive-or-failed'],
    ['ExecStart', 'a(sasb)', [['/bin/rm', ['rm', '-rf', '--one-file-system', '--', ...places], true]]],
  ]);
}
