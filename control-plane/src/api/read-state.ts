/** How fresh an answer is: linearizable, unless the caller takes what this member has. */
import { CellError } from '../cell-error.ts';
import type { Consensus, MemberStatus, Peers } from '../ports.ts';
import type { Command, CommandResult } from '../state/commands.ts';
import type { FleetState } from '../state/fleet-state.ts';

export interface StateParts {
  readonly consensus: Consensus;
  readonly peers: Peers;
  /** This member's own part of the status. */
  readonly ownStatus: () => MemberStatus;
}

/** What a member said of itself; undefined if it did not answer. */
export interface ProbedMember {
  readonly id: number;
  readonly status: MemberStatus | undefined;
}

const probeTimeoutMs = 1_000;
const leaderProbeTimeoutMs = 500;
const freshWaitMs = 1_000;

/** The state with all that was committed when this was called; this member's own, at once, if `stale`. */
export async function readState(parts: StateParts, stale: boolean, timeoutMs: number): Promise<FleetState> {
  if (!stale) {
    const advice = '; "cellctl fleet status", and "--stale" where a command has it, show what this member knows';
    await explained(parts, parts.consensus.readBarrier(timeoutMs), advice);
  }
  return parts.consensus.state;
}

/** For what people need most while there is no leader: as fresh as can be had within a second. */
export async function readFreshest(parts: StateParts, timeoutMs: number): Promise<FleetState> {
  try {
    await parts.consensus.readBarrier(Math.min(freshWaitMs, timeoutMs));
  } catch {
    // Without a leader there is nothing fresher than what is here.
  }
  return parts.consensus.state;
}

/** Has a command committed; a refusal by the state machine becomes an error. */
export async function submitCommand(
  parts: StateParts,
  command: Command,
  timeoutMs: number,
): Promise<CommandResult & { ok: true }> {
  const { disk, memberId } = parts.consensus;
  if (disk === 'full') {
    const message = `Disk of member "${memberId}" is full; nothing was written. Make room on it, or ask another member`;
    throw new CellError('CELL_E_DISK_FULL', message);
  }
  const result = await explained(parts, parts.consensus.submit(command, timeoutMs), '; nothing was written');
  if (result.ok) return result;
  throw new CellError(result.code, result.message);
}

/** Asks all members at once. */
export function probeMembers(parts: StateParts, timeoutMs = probeTimeoutMs): Promise<ProbedMember[]> {
  const { consensus, peers, ownStatus } = parts;
  return Promise.all(
    peers.members.map(async ({ id }) => {
      if (id === consensus.memberId) return { id, status: ownStatus() };
      const status = await peers.member(id, timeoutMs).catch(() => undefined);
      return { id, status };
    }),
  );
}

/** "No leader" says how many members can be reached and how many are needed. */
async function explained<T>(parts: StateParts, work: Promise<T>, advice: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof CellError) || error.code !== 'CELL_E_NO_LEADER') throw error;
    const probed = await probeMembers(parts, leaderProbeTimeoutMs);
    throw new CellError('CELL_E_NO_LEADER', `${noLeaderSentence(parts, probed)}${advice}`, { cause: error });
  }
}

/** What is known of why there is no leader, and what to do. */
function noLeaderSentence({ consensus }: StateParts, everybody: readonly ProbedMember[]): string {
  const { voters } = consensus.status().conf;
  const probed = everybody.filter(({ id }) => voters.includes(id));
  const all = voters.length;
  const needed = Math.floor(all / 2) + 1;
  const reachable = probed.filter((member) => member.status !== undefined).length;
  const seen = `member ${consensus.memberId} reaches ${reachable} of ${all} members, itself included`;
  if (reachable >= needed)
    return `The control plane has no leader: ${seen}; an election should end this within seconds`;
  const missing = probed.filter((member) => member.status === undefined).map((member) => member.id);
  const needs = `a leader needs ${needed}; start ${missing.length === 1 ? 'member' : 'one of the members'}`;
  return `The control plane has no leader: ${seen}, and ${needs} ${missing.join(', ')}`;
}
