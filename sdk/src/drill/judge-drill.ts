import type { DrillLimits, DrillObservations, DrillReport } from './drill-observations.ts';

/** Marks named in a reason; the count tells of the others. */
const NAMED_MAX = 5;

/** The verdict on what was seen: it passes only if everything was seen, and all of it is as it should be. */
export function judgeDrill(seen: DrillObservations, limits: DrillLimits): DrillReport {
  const reasons = [
    ...judgeWrites(seen, limits),
    ...judgeLeader(seen, limits),
    ...judgeWorkloads(seen),
    ...judgeAgents(seen),
  ];
  return { ...seen, limits, passed: reasons.length === 0, reasons, warnings: warningsOf(seen) };
}

function* judgeWrites({ writes }: DrillObservations, limits: DrillLimits): Iterable<string> {
  if (writes.lost === undefined) {
    yield `Could not audit the acknowledged writes: ${writes.auditError}`;
  } else if (writes.lost.length > 0) {
    const named = writes.lost.slice(0, NAMED_MAX).join(', ');
    const more = writes.lost.length > NAMED_MAX ? ', …' : '';
    yield `${writes.lost.length} of ${writes.acknowledged} acknowledged writes are lost: marks ${named}${more}`;
  }
  if (writes.acknowledgedBefore === 0) yield 'No write was acknowledged before the fault, so nothing was put at risk';
  if (writes.pauseMs === undefined) yield 'No write was acknowledged after the fault';
  else if (writes.pauseMs > limits.pauseMsMax) {
    yield `Writes paused for ${seconds(writes.pauseMs)}, longer than ${seconds(limits.pauseMsMax)}`;
  }
}

function* judgeLeader(seen: DrillObservations, limits: DrillLimits): Iterable<string> {
  if (seen.newLeaderMs === undefined || seen.leaderAfter === undefined) {
    yield `No new leader was seen after member ${seen.leaderBefore}`;
  } else if (seen.newLeaderMs > limits.newLeaderMsMax) {
    yield `A new leader took ${seconds(seen.newLeaderMs)}, longer than ${seconds(limits.newLeaderMsMax)}`;
  }
}

function* judgeWorkloads({ workloads }: DrillObservations): Iterable<string> {
  if (workloads.disturbed === undefined) yield 'Could not find out whether workloads ran on';
  else yield* workloads.disturbed;
}

function* judgeAgents({ agents }: DrillObservations): Iterable<string> {
  if (agents.after >= agents.before) return;
  yield `${agents.before - agents.after} of ${agents.before} agents did not come back to the control plane`;
}

function warningsOf(seen: DrillObservations): string[] {
  if (seen.mode !== 'crash' || seen.memberBackMs !== undefined) return [];
  return [
    `Member ${seen.leaderBefore} has not come back: nothing restarts it here. ` +
      'Start it again, since the control plane has one member less to lose',
  ];
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(2)} s`;
}
