import type { JobRow } from '../../model/entities.ts';
import type { CommandResult, SubmitJob } from '../commands.ts';
import { JOBS_MAX } from '../limits.ts';
import type { Application } from './application.ts';
import { expendableVersions } from './expendable.ts';
import { nextJob } from './next-job.ts';

/** Result details: `version`, `unchanged`; `index` is the job's old one if nothing changed. */
export function submitJob(application: Application, command: SubmitJob): CommandResult {
  const { tables, index } = application;
  const before = tables.jobs.get(command.spec.name);
  const next = nextJob(tables, command.spec);
  // Comes before any refusal: who submits again since the first answer was lost must hear that it is as submitted.
  if (next.unchanged && before !== undefined) {
    return application.done({ index: before.modifyIndex, version: before.version, unchanged: true });
  }
  const refusal = refusalOf(application, command, before);
  if (refusal !== undefined) return refusal;
  const { version, spec, runsFromVersion } = next;
  application.putJob({
    name: spec.name,
    version,
    spec,
    runsFromVersion,
    stopped: false,
    submittedAtMs: application.timeMs,
    unplaced: undefined,
    modifyIndex: index,
  });
  tables.putJobVersion({ job: spec.name, version, spec });
  trimVersions(application, spec.name);
  application.event('JobSubmitted', `job/${spec.name}`, `Version ${version} was submitted`);
  return application.done({ version, unchanged: false });
}

function refusalOf(
  application: Application,
  command: SubmitJob,
  before: JobRow | undefined,
): CommandResult | undefined {
  const { name, namespace, type } = command.spec;
  const { expectedIndex } = command;
  const foundIndex = before?.modifyIndex ?? 0;
  if (expectedIndex !== undefined && expectedIndex !== foundIndex) {
    const now = before === undefined ? 'there is no such job now' : `it changed at index ${foundIndex}`;
    return application.refuse(
      'CELL_E_CONFLICT',
      `Job "${name}" is not as it was at index ${expectedIndex}: ${now}; plan it again`,
    );
  }
  if (before === undefined && application.tables.jobs.size >= JOBS_MAX) {
    return application.refuse('CELL_E_LIMIT', `The fleet has ${JOBS_MAX} jobs, and no more are allowed`);
  }
  if (before !== undefined && before.spec.namespace !== namespace) {
    return application.refuse(
      'CELL_E_CONFLICT',
      `Job "${name}" belongs to namespace "${before.spec.namespace}" and can't move to "${namespace}", also when it is ` +
        'stopped; give this job another name',
    );
  }
  if (before !== undefined && !before.stopped && before.spec.type !== type) {
    return application.refuse(
      'CELL_E_CONFLICT',
      `Job "${name}" has type "${before.spec.type}" and can't become "${type}" while it runs; stop it first`,
    );
  }
  return undefined;
}

/** Old versions beyond the limit go, except those that are needed. */
export function trimVersions({ tables }: Application, job: string): void {
  for (const row of expendableVersions(tables, job)) tables.removeJobVersion(row);
}
