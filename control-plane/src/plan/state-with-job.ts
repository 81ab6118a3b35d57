import type { JobRow } from '../model/entities.ts';
import type { FleetState } from '../state/fleet-state.ts';

/** The same state, as if one job were another. */
export function stateWithJob(state: FleetState, job: JobRow): FleetState {
  return {
    index: state.index,
    nodes: state.nodes,
    jobs: new Map(state.jobs).set(job.name, job),
    allocations: state.allocations,
    drills: state.drills,
    members: state.members,
    recoveries: state.recoveries,
    events: state.events,
    tokens: state.tokens,
    nodeIdentities: state.nodeIdentities,
    authorities: state.authorities,
    secrets: state.secrets,
    audit: state.audit,
    auditAnchor: state.auditAnchor,
    drainingNodes: state.drainingNodes,
    unplacedJobs: state.unplacedJobs,
    systemJobs: state.systemJobs,
    jobVersion: (name, version) =>
      name === job.name && version === job.version
        ? { job: name, version, spec: job.spec }
        : state.jobVersion(name, version),
    versionsOfJob: (job) => state.versionsOfJob(job),
    endedOfJob: (job) => state.endedOfJob(job),
    allocationsOfJob: (name) => state.allocationsOfJob(name),
    allocationsOnNode: (nodeId) => state.allocationsOnNode(nodeId),
    nodeByName: (name) => state.nodeByName(name),
    usageOfNode: (nodeId) => state.usageOfNode(nodeId),
  };
}
