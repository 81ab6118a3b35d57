import { presentMembers } from '../model/members.ts';
import type { FleetState } from '../state/fleet-state.ts';
import type { FleetProblem } from './fleet-problem.ts';
import { DISK_FREE_BYTES_MIN, LAG_ENTRIES_MAX, LEARNER_MS_MAX } from './limits.ts';

/** The control plane as the asked member sees it, which no state can tell. */
export interface ControlPlaneFacts {
  /** 0 if none is known. */
  readonly leaderId: number;
  readonly members: readonly MemberFacts[];
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: number;
}

export interface MemberFacts {
  readonly id: number;
  readonly kind: 'voter' | 'learner' | 'invited';
  readonly reachable: boolean;
  /** Entries of the leader's log that it lacks; undefined if no leader was asked. */
  readonly lagEntries?: number | undefined;
  /** The leader is sending it a snapshot. */
  readonly getsSnapshot?: boolean;
  readonly diskFreeBytes?: number | undefined;
  readonly diskFull?: boolean;
}

const BYTES_PER_MIB = 1024 * 1024;
const MS_PER_MINUTE = 60_000;
/** Fewer outlive the loss of none. */
const VOTERS_MIN = 3;

/** What is not right with the control plane itself. */
export function memberProblems(state: FleetState, controlPlane: ControlPlaneFacts): FleetProblem[] {
  return [
    ...leaderProblems(controlPlane),
    ...recoveryProblems(state, controlPlane),
    ...controlPlane.members.flatMap((member) => [...diskProblems(member), ...lagProblems(member)]),
    ...newcomerProblems(state, controlPlane),
    ...voterProblems(controlPlane),
  ];
}

function votersOf({ members }: ControlPlaneFacts): MemberFacts[] {
  return members.filter(({ kind }) => kind === 'voter');
}

function leaderProblems(controlPlane: ControlPlaneFacts): FleetProblem[] {
  const voters = votersOf(controlPlane);
  const away = voters.filter(({ reachable }) => !reachable).map(({ id }) => id);
  const majority = voters.length - away.length > voters.length / 2;
  const problems: FleetProblem[] = [];
  if (controlPlane.leaderId === 0) {
    const lost = 'Start members until most run; "cellctl control-plane recover" is for when most are lost for good';
    problems.push({
      severity: 'critical',
      message: 'The control plane has no leader: nothing can be changed',
      advice: majority ? "Wait for an election; look at the members' logs if it lasts" : lost,
    });
  }
  if (away.length > 0) {
    const whom = away.length === 1 ? `Member ${away[0]} does` : `Members ${away.join(', ')} do`;
    problems.push({
      severity: majority ? 'warning' : 'critical',
      message: `${whom} not answer: ${voters.length - away.length} of ${voters.length} are there`,
      advice: 'Start "cell-control-plane" there again, and look at its log',
    });
  }
  return problems;
}

/** Loud until somebody has made the control plane whole again. */
function recoveryProblems({ recoveries }: FleetState, controlPlane: ControlPlaneFacts): FleetProblem[] {
  const last = recoveries.at(-1);
  const voters = votersOf(controlPlane).length;
  if (last === undefined || voters >= VOTERS_MIN) return [];
  const { survivor, dropped, clusterId } = last;
  const without = dropped.length === 0 ? '' : `, without ${dropped.join(', ')},`;
  const message = `The control plane lost its quorum and went on with member ${survivor} alone${without} as cluster "${clusterId}"`;
  const advice = `Writes that only lost members had are gone: look for what is missing. Add and promote members until ${VOTERS_MIN} vote`;
  return [{ severity: 'critical', message, advice }];
}

function diskProblems({ id, diskFull, diskFreeBytes }: MemberFacts): FleetProblem[] {
  if (diskFull === true) {
    const message = `Disk of member ${id} is full: it stores nothing`;
    return [{ severity: 'critical', message, advice: 'Make room there; it goes on by itself then' }];
  }
  if (diskFreeBytes === undefined || diskFreeBytes >= DISK_FREE_BYTES_MIN) return [];
  const message = `Disk of member ${id} is nearly full: ${Math.floor(diskFreeBytes / BYTES_PER_MIB)} MiB are free`;
  const advice = `Make room there: it should have ${DISK_FREE_BYTES_MIN / BYTES_PER_MIB} MiB`;
  return [{ severity: 'warning', message, advice }];
}

function lagProblems({ id, kind, reachable, lagEntries, getsSnapshot }: MemberFacts): FleetProblem[] {
  if (kind !== 'voter' || !reachable) return [];
  const advice =
    'Look at its disk and its network if this lasts: until it has caught up, it is no help if another is lost';
  if (getsSnapshot === true) {
    return [{ severity: 'warning', message: `Member ${id} is so far behind that it is being sent a snapshot`, advice }];
  }
  if (lagEntries === undefined || lagEntries <= LAG_ENTRIES_MAX) return [];
  return [{ severity: 'warning', message: `Member ${id} is ${lagEntries} entries behind the leader`, advice }];
}

/** Those that were added, and then forgotten. */
function newcomerProblems(state: FleetState, { members, nowMs }: ControlPlaneFacts): FleetProblem[] {
  return presentMembers(state.members).flatMap(({ id, status, changedAtMs }): FleetProblem[] => {
    const known = members.find((member) => member.id === id);
    if (known === undefined || known.kind === 'voter' || nowMs - changedAtMs <= LEARNER_MS_MAX) return [];
    const ago = `${Math.floor((nowMs - changedAtMs) / MS_PER_MINUTE)} minutes ago`;
    const orRemove = `or take it out with "cellctl control-plane remove ${id}"`;
    if (status === 'invited') {
      const message = `Member ${id} was added ${ago}, and has not come`;
      return [{ severity: 'warning', message, advice: `Start "cell-control-plane" there, ${orRemove}` }];
    }
    const message = `Member ${id} came ${ago}, and has no vote`;
    return [{ severity: 'warning', message, advice: `Say "cellctl control-plane promote ${id}", ${orRemove}` }];
  });
}

/** One member more than an odd number has to be asked for each write, and still no more may be lost. */
function voterProblems(controlPlane: ControlPlaneFacts): FleetProblem[] {
  const { length } = votersOf(controlPlane);
  if (length === 0 || length % 2 === 1) return [];
  const spare = length / 2 - 1;
  const loss = spare === 0 ? 'none may be lost' : `no more than ${spare} may be lost`;
  const message = `${length} members vote: ${loss}, as with ${length - 1}`;
  return [{ severity: 'warning', message, advice: 'Add and promote one more, or remove one' }];
}
