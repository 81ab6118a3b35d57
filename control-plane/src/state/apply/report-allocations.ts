import { type AllocationRow, type AllocationState, type EventType, isFinal } from '../../model/entities.ts';
import type { AllocationReport, CommandResult, ReportAllocations } from '../commands.ts';
import type { Application } from './application.ts';

/**
 * Result details: `changed`, `leftOut`. Left out are reports on unknown and on ended allocations, from another node
 * than the allocation's, and of the state "lost", which only the leader can find.
 */
export function reportAllocations(application: Application, command: ReportAllocations): CommandResult {
  let changed = 0;
  let leftOut = 0;
  for (const report of command.reports) {
    const row = application.tables.allocations.get(report.id);
    if (row === undefined || isFinal(row) || row.nodeId !== report.nodeId || report.state === 'lost') {
      leftOut += 1;
      continue;
    }
    const { state, message, restarts, exitCode } = report;
    if (row.state === state && row.message === message && row.restarts === restarts && row.exitCode === exitCode) {
      continue;
    }
    changed += 1;
    application.putAllocation({
      ...row,
      state,
      message,
      restarts,
      exitCode,
      changedAtMs: state === row.state ? row.changedAtMs : application.timeMs,
      modifyIndex: application.index,
    });
    tell(application, row, report);
  }
  return application.done({ changed, leftOut });
}

const eventsByState: { readonly [State in AllocationState]: EventType | undefined } = {
  pending: undefined,
  starting: undefined,
  running: 'AllocationStarted',
  healthy: 'AllocationHealthy',
  unhealthy: 'AllocationUnhealthy',
  complete: 'AllocationCompleted',
  failed: 'AllocationFailed',
  stopped: 'AllocationStopped',
  lost: undefined,
};

/** A report may skip states: an agent that was cut off says only what is so now. */
function tell(application: Application, before: AllocationRow, report: AllocationReport): void {
  const subject = `allocation/${before.id}`;
  const about = `${before.job}/${before.instance}`;
  const say = (type: EventType, otherwise: string) =>
    application.event(type, subject, `${about}: ${report.message === '' ? otherwise : report.message}`);
  const ran = before.state === 'running' || before.state === 'healthy' || before.state === 'unhealthy';
  if (report.restarts > before.restarts) {
    const times = report.restarts === 1 ? 'once' : `${report.restarts} times`;
    say('AllocationRestarted', `Restarted ${times} so far`);
  }
  if (report.state === before.state) return;
  const type = eventsByState[report.state];
  if (type === undefined || (type === 'AllocationStarted' && ran)) return;
  say(type, `It is ${report.state}`);
}
