import { isFinal } from '../../model/entities.ts';
import type { CommandResult, StopJob } from '../commands.ts';
import type { Application } from './application.ts';

/** Result detail: `stopping`, the instances that the planner will have stopped. Stopping twice is no error. */
export function stopJob(application: Application, command: StopJob): CommandResult {
  const { tables, index } = application;
  const job = tables.jobs.get(command.name);
  if (job === undefined) {
    return application.refuse(
      'CELL_E_NOT_FOUND',
      `There is no job "${command.name}"; "cellctl job list" shows those that there are`,
    );
  }
  if (job.stopped) return application.done({ index: job.modifyIndex, stopping: 0 });
  let stopping = 0;
  for (const row of tables.allocationsOfJob(job.name)) if (!isFinal(row) && row.desired === 'run') stopping += 1;
  application.putJob({ ...job, stopped: true, unplaced: undefined, modifyIndex: index });
  application.event(
    'JobStopped',
    `job/${job.name}`,
    `Stopped, with ${stopping} ${stopping === 1 ? 'instance' : 'instances'}`,
  );
  return application.done({ stopping });
}
