/** What a caller may see of the fleet: all of it, or without the jobs and secrets of other namespaces. */
import type { AllocationRow, EventRow, JobRow } from '../model/entities.ts';
import type { Caller } from '../ports.ts';
import type { FleetState } from '../state/fleet-state.ts';

/** Undefined: all namespaces. */
export function namespaceOf(caller: Caller): string | undefined {
  return caller.kind === 'person' ? caller.namespace : undefined;
}

/**
 * The state as the caller may see it: what the services answer is taken from this. A view is of the moment: it is made
 * anew for each answer. What nodes reserve is of all namespaces, else nobody could tell where there is room.
 */
export function visibleTo(caller: Caller, state: FleetState): FleetState {
  const namespace = namespaceOf(caller);
  return namespace === undefined ? state : namespaceView(state, namespace);
}

/** Whether an event is about what the caller may see. Of tokens, only admins are told. */
export function seesEvent(caller: Caller, state: FleetState, event: Pick<EventRow, 'subject'>): boolean {
  const namespace = namespaceOf(caller);
  if (namespace !== undefined) return inNamespace(state, event, namespace);
  return !event.subject.startsWith('token/') || (caller.kind === 'person' && caller.role === 'admin');
}

/** Whether an event is about what a namespace may see. */
function inNamespace(state: FleetState, { subject }: Pick<EventRow, 'subject'>, namespace: string): boolean {
  const slash = subject.indexOf('/');
  const kind = slash < 0 ? subject : subject.slice(0, slash);
  const id = subject.slice(slash + 1);
  switch (kind) {
    case 'node':
    case 'control-plane':
      return true;
    case 'job':
      return state.jobs.get(id)?.spec.namespace === namespace;
    case 'allocation': {
      const job = state.allocations.get(id)?.job;
      return job !== undefined && state.jobs.get(job)?.spec.namespace === namespace;
    }
    case 'secret':
      return id.startsWith(`${namespace}/`);
    default:
      return false;
  }
}

function namespaceView(state: FleetState, namespace: string): FleetState {
  const jobs = new Map<string, JobRow>();
  for (const [name, job] of state.jobs) if (job.spec.namespace === namespace) jobs.set(name, job);
  const seen = ({ job }: Pick<AllocationRow, 'job'>) => jobs.has(job);
  const some = <T>(job: string, rows: (job: string) => Iterable<T>): Iterable<T> => (jobs.has(job) ? rows(job) : []);
  let allocations: ReadonlyMap<string, AllocationRow> | undefined;
  return {
    index: state.index,
    nodes: state.nodes,
    jobs,
    get allocations() {
      allocations ??= allocationsOf(state, jobs.keys());
      return allocations;
    },
    drills: state.drills,
    members: state.members,
    recoveries: state.recoveries,
    get events() {
      return state.events.filter((event) => inNamespace(state, event, namespace));
    },
    tokens: new Map(),
    nodeIdentities: state.nodeIdentities,
    authorities: state.authorities,
    get secrets() {
      return new Map([...state.secrets].filter(([, secret]) => secret.namespace === namespace));
    },
    audit: [],
    auditAnchor: '',
    drainingNodes: state.drainingNodes,
    unplacedJobs: new Set([...state.unplacedJobs].filter((job) => jobs.has(job))),
    systemJobs: state.systemJobs,
    jobVersion: (job, version) => (jobs.has(job) ? state.jobVersion(job, version) : undefined),
    versionsOfJob: (job) => some(job, (name) => state.versionsOfJob(name)),
    endedOfJob: (job) => (jobs.has(job) ? state.endedOfJob(job) : 0),
    allocationsOfJob: (job) => some(job, (name) => state.allocationsOfJob(name)),
    allocationsOnNode: (nodeId) => [...state.allocationsOnNode(nodeId)].filter(seen),
    nodeByName: (name) => state.nodeByName(name),
    usageOfNode: (nodeId) => state.usageOfNode(nodeId),
  };
}

function allocationsOf(state: FleetState, jobs: Iterable<string>): ReadonlyMap<string, AllocationRow> {
  const found = new Map<string, AllocationRow>();
  for (const job of jobs) for (const row of state.allocationsOfJob(job)) found.set(row.id, row);
  return found;
}
