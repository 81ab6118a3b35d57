import type { CommandResult } from '../commands.ts';
import type { Application } from './application.ts';
import { trimVersions } from './submit-job.ts';
import { trimEnded } from './trim-ended.ts';

/** Result detail: `removedAllocations`. Drills and events keep within their limits by themselves. */
export function collectGarbage(application: Application): CommandResult {
  let removedAllocations = 0;
  for (const name of [...application.tables.jobs.keys()].sort()) {
    removedAllocations += trimEnded(application, name, 'now');
    trimVersions(application, name);
  }
  return application.done({ removedAllocations });
}
