/**
 * The failover drill: injects the real fault while marks are written, and audits every acknowledged one. It changes
 * nothing but the leader and the drill's own marks, and refuses to begin on a fleet that is not all right.
 */
import { CellApiError } from '../client/cell-api-error.ts';
import type { CellClient, MembersOptions } from '../client/connect.ts';
import type { Allocation, GetControlPlaneStatusResponse, Member } from '../messages.ts';
import { compareWorkloads, isRunning } from './compare-workloads.ts';
import type { DrillClock } from './drill-clock.ts';
import type { DrillLimits, DrillMode, DrillReport } from './drill-observations.ts';
import { injectFault } from './inject-fault.ts';
import { judgeDrill } from './judge-drill.ts';
import { MarkLedger } from './mark-ledger.ts';
import { type MarkWriter, startMarkWriter } from './mark-writer.ts';
import { type SeenLeader, termOf, watchForNewLeader } from './watch-leader.ts';

export interface FailoverDrillOptions {
  /** Any members' addresses; the drill finds the others. */
  readonly addresses: readonly string[];
  /** Connects to all or some of the members, always as the same caller. */
  readonly connect: (members: MembersOptions) => CellClient;
  readonly clock: DrillClock;
  /** Letters, digits and "-", at most 64; of this drill only. */
  readonly drillId: string;
  readonly mode: DrillMode;
  readonly limits: DrillLimits;
  readonly writesPerSecond: number;
  /** For all that has to recover: the leader, writes, agents' sessions. */
  readonly timeoutMs: number;
  /** How long to wait for the crashed member to come back; nobody may be there to start it. */
  readonly memberBackMsMax: number;
  /** Begin even though not all is right. */
  readonly force: boolean;
  /** Told of each step, in a few words. */
  readonly onProgress: (step: string) => void;
  readonly signal: AbortSignal;
}

const MEMBERS_MIN = 3;
const CALL_TIMEOUT_MS = 10_000;
const STEADY_MS_MAX = 20_000;
/** Writing works when a second's worth of writes was acknowledged, before the fault and after it; at least so many. */
const STEADY_WRITES_MIN = 5;
const POLL_PAUSE_MS = 50;
const PROBLEMS_NAMED_MAX = 3;

/** What is known before the fault. */
interface Baseline {
  readonly status: GetControlPlaneStatusResponse;
  readonly sessions: number;
  readonly allocations: readonly Allocation[];
}

/**
 * Rejects with `CellApiError` if the drill could not be held: `CELL_E_NOT_READY` (not all is right), or what the
 * control plane said. A drill that was held and went wrong is a report that did not pass.
 */
export async function runFailoverDrill(options: FailoverDrillOptions): Promise<DrillReport> {
  const anyMember = options.connect({ addresses: options.addresses, timeoutMs: CALL_TIMEOUT_MS });
  const pinned = new Map<bigint, CellClient>();
  try {
    options.onProgress('looking at the fleet');
    const baseline = await lookBefore(anyMember, options);
    for (const { id, grpcAddress } of baseline.status.members) {
      pinned.set(id, options.connect({ addresses: [grpcAddress], timeoutMs: CALL_TIMEOUT_MS }));
    }
    return await drill(options, baseline, pinned);
  } finally {
    anyMember.close();
    for (const client of pinned.values()) client.close();
  }
}

async function lookBefore(client: CellClient, options: FailoverDrillOptions): Promise<Baseline> {
  const { signal } = options;
  const fleet = await client.fleet.getFleetStatus({}, { signal });
  const problems = fleet.problems.map((problem) => problem.message);
  if (problems.length > 0 && !options.force) {
    const named = problems.slice(0, PROBLEMS_NAMED_MAX).join('; ');
    const more = problems.length > PROBLEMS_NAMED_MAX ? `; and ${problems.length - PROBLEMS_NAMED_MAX} more` : '';
    const sentence = `The fleet is not all right, so a drill would prove nothing and might harm: ${named}${more}`;
    throw new CellApiError('CELL_E_NOT_READY', `${sentence}. Put this right first, or use "--force"`, true);
  }
  const status = await client.controlPlane.getControlPlaneStatus({}, { signal });
  if (status.members.length < MEMBERS_MIN) {
    const sentence = `A control plane of ${status.members.length} can lose no member`;
    throw new CellApiError('CELL_E_NOT_READY', `${sentence}; a failover needs at least ${MEMBERS_MIN}`, true);
  }
  if (status.leaderId === 0n) {
    throw new CellApiError('CELL_E_NO_LEADER', 'The control plane has no leader that could fail over', true);
  }
  const { allocations } = await client.allocations.listAllocations({ all: true }, { signal });
  return { status, sessions: sessionsOf(status.members), allocations };
}

async function drill(
  options: FailoverDrillOptions,
  baseline: Baseline,
  pinned: ReadonlyMap<bigint, CellClient>,
): Promise<DrillReport> {
  const { clock, signal, drillId, mode, limits, onProgress } = options;
  const { leaderId } = baseline.status;
  const ledger = new MarkLedger();
  const members = [...pinned.values()];
  const followers = [...pinned].filter(([id]) => id !== leaderId).map(([, client]) => client);
  const ended = new AbortController();
  const writer = startMarkWriter({ drillId, members, writesPerSecond: options.writesPerSecond, ledger, clock });
  try {
    onProgress('writing marks');
    await untilSteady(writer, () => ledger.count >= steadyWrites(options), options);

    onProgress(
      mode === 'crash' ? `killing the leader, member ${leaderId}` : `moving leadership from member ${leaderId}`,
    );
    const faultMs = clock.monotonicMs();
    const recovery = AbortSignal.any([signal, timeoutSignal(options, ended.signal)]);
    const watching = watchForNewLeader(followers, { leaderId, term: termOf(baseline.status) }, clock, recovery);
    watching.catch(() => {});
    await injectFault(mode, followers[0] as CellClient, { drillId, leaderId });
    const back =
      mode === 'crash' ? untilMemberBack(options, pinned, baseline.status, faultMs, ended.signal) : undefined;
    back?.catch(() => {});

    onProgress('waiting for a new leader');
    const leader = await orUndefined(watching, signal);
    onProgress('waiting for writes');
    const resumedMs = leader === undefined ? undefined : await untilResumed(writer, ledger, leader, recovery, options);
    await writer.stop();

    onProgress('waiting for the agents');
    const sessionsAfter = await untilSessions(followers, baseline.sessions, recovery, options);
    onProgress('auditing every acknowledged write');
    const audit = await auditMarks(followers, options, ledger);
    const disturbed = await lookAtWorkloads(followers, baseline.allocations, signal);
    if (back !== undefined) onProgress('waiting for the killed member to come back');
    const memberBackMs = await back;
    return judgeDrill(
      {
        drillId,
        mode,
        leaderBefore: Number(leaderId),
        leaderAfter: leader?.id,
        newLeaderMs: leader === undefined ? undefined : leader.atMs - faultMs,
        writes: {
          acknowledged: ledger.count,
          acknowledgedBefore: ledger.countUntil(faultMs),
          pauseMs: resumedMs === undefined ? undefined : ledger.longestPauseMs(faultMs),
          ...audit,
        },
        workloads: { ran: baseline.allocations.filter(isRunning).length, disturbed },
        agents: { before: baseline.sessions, after: sessionsAfter },
        memberBackMs,
      },
      limits,
    );
  } finally {
    ended.abort(new Error('The drill is over'));
    await writer.stop().catch(() => {});
  }
}

function steadyWrites({ writesPerSecond }: FailoverDrillOptions): number {
  return Math.max(STEADY_WRITES_MIN, writesPerSecond);
}

/** Before the fault, writing must work: what happens afterwards is then the fault's doing. */
async function untilSteady(writer: MarkWriter, steady: () => boolean, options: FailoverDrillOptions): Promise<void> {
  const { clock, signal } = options;
  const untilMs = clock.monotonicMs() + STEADY_MS_MAX;
  while (!steady()) {
    if (clock.monotonicMs() > untilMs) {
      const seconds = STEADY_MS_MAX / 1000;
      throw new CellApiError('CELL_E_NOT_READY', `Too few writes were acknowledged in ${seconds} s to begin`, true);
    }
    await Promise.race([writer.done, clock.sleep(POLL_PAUSE_MS, signal)]);
  }
}

/** Resolves once so many writes were acknowledged under the new leader that writing works again. */
async function untilResumed(
  writer: MarkWriter,
  ledger: MarkLedger,
  leader: SeenLeader,
  recovery: AbortSignal,
  options: FailoverDrillOptions,
): Promise<number | undefined> {
  const { clock, signal } = options;
  while (ledger.countAfter(leader.atMs) < steadyWrites(options)) {
    const slept = Promise.race([writer.done, clock.sleep(POLL_PAUSE_MS, recovery)]).then(() => true);
    if ((await orUndefined(slept, signal)) === undefined) return undefined;
  }
  return clock.monotonicMs();
}

/** An agent without a session would lose its node's lease some time after the drill. */
async function untilSessions(
  followers: readonly CellClient[],
  wanted: number,
  recovery: AbortSignal,
  { clock, signal }: FailoverDrillOptions,
): Promise<number> {
  for (let round = 0; ; round += 1) {
    const client = followers[round % followers.length] as CellClient;
    const asking = client.controlPlane.getControlPlaneStatus({}, { signal, attemptsMax: 1 });
    const sessions = await orUndefined(
      asking.then(({ members }) => sessionsOf(members)),
      signal,
    );
    if (sessions !== undefined && sessions >= wanted) return sessions;
    if (recovery.aborted) return sessions ?? 0;
    await orUndefined(clock.sleep(POLL_PAUSE_MS, recovery), signal);
  }
}

async function auditMarks(
  followers: readonly CellClient[],
  { drillId, signal }: FailoverDrillOptions,
  ledger: MarkLedger,
): Promise<{ readonly lost: readonly number[] | undefined; readonly auditError: string }> {
  let auditError = '';
  for (const client of followers) {
    try {
      const { ranges } = await client.drills.listMarks({ drillId }, { signal });
      return { lost: ledger.missingFrom(ranges), auditError: '' };
    } catch (error) {
      if (signal.aborted) throw error;
      auditError = (error as Error).message;
    }
  }
  return { lost: undefined, auditError };
}

async function lookAtWorkloads(
  followers: readonly CellClient[],
  before: readonly Allocation[],
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  for (const client of followers) {
    const asking = client.allocations.listAllocations({ all: true }, { signal });
    const response = await orUndefined(asking, signal);
    if (response !== undefined) return compareWorkloads(before, response.allocations);
  }
  return undefined;
}

/** Watches from the fault on. A leader that is about to die may answer once more: that is not its return. */
async function untilMemberBack(
  { clock, signal, memberBackMsMax }: FailoverDrillOptions,
  pinned: ReadonlyMap<bigint, CellClient>,
  before: GetControlPlaneStatusResponse,
  faultMs: number,
  ended: AbortSignal,
): Promise<number | undefined> {
  const either = AbortSignal.any([signal, ended]);
  const crashed = pinned.get(before.leaderId);
  let wasGone = false;
  while (crashed !== undefined && clock.monotonicMs() - faultMs < memberBackMsMax) {
    const asking = crashed.controlPlane.getControlPlaneStatus({}, { signal: either, attemptsMax: 1, timeoutMs: 1_000 });
    const status = await orUndefined(asking, either);
    if (status === undefined) wasGone = true;
    else if (wasGone || termOf(status) > termOf(before)) return clock.monotonicMs() - faultMs;
    await clock.sleep(POLL_PAUSE_MS, either);
  }
  return undefined;
}

function sessionsOf(members: readonly Member[]): number {
  return members.reduce((sum, member) => sum + member.agentSessions, 0);
}

/** A failure is what the drill looks for; only the person's own wish to end it goes through. */
async function orUndefined<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

function timeoutSignal({ clock, timeoutMs }: FailoverDrillOptions, ended: AbortSignal): AbortSignal {
  const controller = new AbortController();
  clock.sleep(timeoutMs, ended).then(
    () => controller.abort(new Error('The time to recover is over')),
    () => {},
  );
  return controller.signal;
}
