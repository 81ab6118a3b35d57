import type { JobSpec } from '@cell/job';
import { isDraining } from '../model/drains.ts';
import { type AllocationRow, isFinal, type JobRow } from '../model/entities.ts';
import { instanceKey, isNewer, isUp } from '../model/instances.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { sameRun } from '../state/format/spec-shape.ts';
import { type AliveRows, type RowJudge, sortAlive } from './alive-rows.ts';
import { ATTEMPTS_MAX, FAILURE_STREAK_LIFE_MS } from './limits.ts';
import type { NodeRoom } from './node-room.ts';
import { keepsRunning, staysWithLess, surplusReason } from './surplus-reason.ts';

/**
 * Where a wanted instance stands. 'current': it has an allocation that does what the newest version wants; 'outdated':
 * one of an older version; 'ending': one that is stopping; 'complete': it ended with success; 'absent': it has none;
 * 'given-up': none, after it failed too often.
 */
export type Standing = 'current' | 'outdated' | 'ending' | 'complete' | 'absent' | 'given-up';

/** One wanted instance of a job. */
export interface InstanceSlot {
  readonly instance: number;
  /** Only for system jobs: the node that it is for. */
  readonly nodeId: string | undefined;
  readonly standing: Standing;
  /** The allocation that has not ended. */
  readonly active: AllocationRow | undefined;
  /** The newest allocation, ended or not, of the job's present run. */
  readonly newest: AllocationRow | undefined;
  /** Failed allocations of the newest version in a row, the newest first. */
  readonly failures: readonly AllocationRow[];
  /** Whether `active` does what is wanted of it. */
  readonly up: boolean;
  /** `active` has to go off its node, which is drained. Never for system jobs. */
  readonly leaving: boolean;
  /** Is coming up elsewhere, to take over from `active`. */
  readonly replacement: AllocationRow | undefined;
}

export interface JobSlots {
  /** Ordered by instance, or by node for system jobs. */
  readonly slots: readonly InstanceSlot[];
  /** Allocations that should run although nobody wants them any more, each with why. */
  readonly surplus: readonly { readonly row: AllocationRow; readonly reason: string }[];
}

/** Sorts a job's allocations by what they stand for. `eligible`: ready nodes that suit the job. */
export function jobSlots(state: FleetState, job: JobRow, eligible: readonly NodeRoom[]): JobSlots {
  const surplus: { row: AllocationRow; reason: string }[] = [];
  const found = new Map<number | string, FoundRows>();
  const runs = new RunComparison(state, job);
  const wanted = job.stopped ? [] : wantedInstances(job.spec, eligible);
  for (const { key } of wanted) found.set(key, { alive: [], ended: [] });
  for (const row of state.allocationsOfJob(job.name)) {
    const rows = found.get(instanceKey(job.spec, row));
    if (isFinal(row)) {
      if (row.jobVersion >= job.runsFromVersion) rows?.ended.push(row);
    } else if (rows === undefined) {
      if (row.desired !== 'run') continue;
      const isKept = keepsRunning(state, job, row);
      if (isKept || (runs.isCurrent(row) && staysWithLess(state, job, row))) {
        found.set(row.nodeId, { alive: [row], ended: [] });
        wanted.push({ key: row.nodeId, instance: 0, nodeId: row.nodeId, isKept });
      } else {
        surplus.push({ row, reason: surplusReason(state, job, row) });
      }
    } else {
      rows.alive.push(row);
    }
  }
  if (job.spec.type === 'system') sortByNodeName(wanted, state);
  const isLeaving = (row: AllocationRow) => job.spec.type !== 'system' && isDraining(state.nodes.get(row.nodeId));
  const judge = { isLeaving, isCurrent: (row: AllocationRow) => runs.isCurrent(row) };
  const slots = wanted.map((identity) => {
    const { alive, ended } = found.get(identity.key) ?? { alive: [], ended: [] };
    const sorted = sortAlive(alive, judge);
    surplus.push(...sorted.surplus);
    return slotOf(job, judge, identity, sorted, ended);
  });
  surplus.sort((one, other) => one.row.instance - other.row.instance || (one.row.id < other.row.id ? -1 : 1));
  return { slots, surplus };
}

interface FoundRows {
  readonly alive: AllocationRow[];
  readonly ended: AllocationRow[];
}

interface WantedInstance {
  readonly key: number | string;
  readonly instance: number;
  readonly nodeId: string | undefined;
  /** It stays as it is, in whatever version, since its node takes no new ones. */
  readonly isKept?: boolean;
}

function wantedInstances(spec: JobSpec, eligible: readonly NodeRoom[]): WantedInstance[] {
  if (spec.type !== 'system') {
    return Array.from({ length: spec.count }, (_, instance) => ({ key: instance, instance, nodeId: undefined }));
  }
  return eligible.map(({ node: { id } }) => ({ key: id, instance: 0, nodeId: id }));
}

function sortByNodeName(wanted: WantedInstance[], state: FleetState): void {
  const nameOf = ({ nodeId }: WantedInstance) => state.nodes.get(nodeId ?? '')?.name ?? '';
  wanted.sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
}

function slotOf(
  job: JobRow,
  { isCurrent, isLeaving }: RowJudge,
  { instance, nodeId, isKept }: WantedInstance,
  { active, replacement }: AliveRows,
  ended: AllocationRow[],
): InstanceSlot {
  ended.sort((one, other) => (isNewer(one, other) ? -1 : 1));
  const newest = active ?? ended[0];
  const leaving = active !== undefined && isLeaving(active);
  const failures = failuresInRow(job, active === undefined ? ended : leaving ? endedSince(active, ended) : []);
  const up = active !== undefined && isUp(active);
  const slot = { instance, nodeId, active, newest, failures, up, leaving, replacement };
  if (active !== undefined) {
    if (active.desired === 'stop') return { ...slot, standing: 'ending' };
    return { ...slot, standing: isKept === true || isCurrent(active) ? 'current' : 'outdated' };
  }
  if (newest?.state === 'complete' && isCurrent(newest)) return { ...slot, standing: 'complete' };
  return { ...slot, standing: failures.length >= ATTEMPTS_MAX[job.spec.type] ? 'given-up' : 'absent' };
}

/** Those that were to take over from one that is still there. */
function endedSince({ createdAtMs }: AllocationRow, ended: readonly AllocationRow[]): AllocationRow[] {
  return ended.filter((row) => row.createdAtMs >= createdAtMs);
}

/** Allocations that were stopped or lost neither count nor end the row: they say nothing about the job. */
function failuresInRow(job: JobRow, endedNewestFirst: readonly AllocationRow[]): AllocationRow[] {
  const failures: AllocationRow[] = [];
  for (const row of endedNewestFirst) {
    if (row.jobVersion !== job.version || row.state === 'complete') break;
    if (row.state !== 'failed') continue;
    if (row.changedAtMs - row.createdAtMs >= FAILURE_STREAK_LIFE_MS) break;
    failures.push(row);
  }
  return failures;
}

/** Whether allocations of older versions may count as ones of the newest; remembers it per version. */
class RunComparison {
  readonly #state: FleetState;
  readonly #job: JobRow;
  readonly #byVersion = new Map<number, boolean>();

  constructor(state: FleetState, job: JobRow) {
    this.#state = state;
    this.#job = job;
  }

  isCurrent({ jobVersion }: AllocationRow): boolean {
    if (jobVersion === this.#job.version) return true;
    if (jobVersion < this.#job.runsFromVersion) return false;
    const known = this.#byVersion.get(jobVersion);
    if (known !== undefined) return known;
    const spec = this.#state.jobVersion(this.#job.name, jobVersion)?.spec;
    const same = spec !== undefined && sameRun(spec, this.#job.spec);
    this.#byVersion.set(jobVersion, same);
    return same;
  }
}
