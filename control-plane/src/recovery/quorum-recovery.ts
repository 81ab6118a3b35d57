import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import type { Clock, Consensus, MemberStatus, Peers, Recovery, RecoveryPlan } from '../ports.ts';

/** How long another member may take to say that it is alive: longer than an election by far. */
const PROBE_MS_MAX = 2000;

/** The answer to whoever asked gets out first. */
const BEGIN_AFTER_MS = 100;

export interface QuorumRecoveryParts {
  readonly consensus: Pick<Consensus, 'memberId' | 'clusterId' | 'leadership' | 'status'>;
  readonly peers: Pick<Peers, 'members' | 'member'>;
  /** Raft term of the last entry of this member's log. */
  readonly lastTerm: () => number;
  /** Of the cluster after a recovery. */
  readonly clusterId: string;
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Logger;
  /** Stops the member, has its log recovered, and starts it again. Undefined where nothing can do that. */
  readonly begin: ((plan: RecoveryPlan) => void) | undefined;
}

/** Another member that answered. */
interface Living {
  readonly id: number;
  readonly status: MemberStatus;
}

interface Others {
  readonly living: readonly Living[];
  /** Ids of those that answer that they are not up yet. */
  readonly starting: readonly number[];
}

/** Judges whether this member may go on alone, and has it done. */
export class QuorumRecovery implements Recovery {
  readonly #parts: QuorumRecoveryParts;
  #begun = false;

  constructor(parts: QuorumRecoveryParts) {
    this.#parts = parts;
  }

  async plan(force: boolean): Promise<RecoveryPlan> {
    const { consensus, peers, clusterId } = this.#parts;
    this.#refuseLeader();
    const { living, starting } = await this.#askOthers();
    this.#refuseLeader();
    this.#refuseMajority(living);
    this.#refuseNothing();
    if (!force) {
      this.#refuseWithoutVote();
      this.#refuseStarting(starting);
      this.#refuseLongerLog(living);
    }
    const dropped = peers.members.map(({ id }) => id).filter((id) => id !== consensus.memberId);
    return { lastIndex: consensus.status().lastIndex, dropped, clusterId };
  }

  async run(force: boolean): Promise<RecoveryPlan> {
    const { begin, clock, log, consensus } = this.#parts;
    const plan = await this.plan(force);
    if (begin === undefined) throw refused('this program cannot start its member again; use cell-control-plane');
    if (this.#begun) throw refused('it is under way already');
    this.#begun = true;
    const told = { ...plan, formerClusterId: consensus.clusterId, force };
    log.warn(told, `Recovering the cluster with member ${consensus.memberId} alone, as people have asked`);
    clock.after(BEGIN_AFTER_MS, () => begin(plan));
    return plan;
  }

  async #askOthers(): Promise<Others> {
    const { consensus, peers } = this.#parts;
    const others = peers.members.filter(({ id }) => id !== consensus.memberId);
    const asked = await Promise.allSettled(others.map(({ id }) => peers.member(id, PROBE_MS_MAX)));
    const living: Living[] = [];
    const starting: number[] = [];
    for (const [place, answer] of asked.entries()) {
      const { id } = others[place]!;
      if (answer.status === 'fulfilled') living.push({ id, status: answer.value });
      else if (isStarting(answer.reason)) starting.push(id);
    }
    return { living, starting };
  }

  #refuseLeader(): void {
    const { leaderId } = this.#parts.consensus.leadership;
    if (leaderId !== 0) throw refused(`the cluster has a leader, member ${leaderId}`);
  }

  #refuseMajority(living: readonly Living[]): void {
    const { consensus } = this.#parts;
    const led = living.find(({ status }) => status.leaderId !== 0);
    if (led !== undefined) throw refused(`member ${led.id} knows a leader, member ${led.status.leaderId}`);
    const { voters, votersOutgoing } = consensus.status().conf;
    const up = new Set([consensus.memberId, ...living.map(({ id }) => id)]);
    const reached = (group: readonly number[]) => group.filter((id) => up.has(id)).length > group.length / 2;
    if (!reached(voters) || (votersOutgoing.length > 0 && !reached(votersOutgoing))) return;
    const ids = [...up].sort((left, right) => left - right).join(', ');
    throw refused(`members ${ids} can be reached, which are a majority: an election should end this within seconds`);
  }

  /** A newcomer before its first snapshot; see `recoverLog`. */
  #refuseNothing(): void {
    const { voters } = this.#parts.consensus.status().conf;
    if (voters.length === 0) throw refused('it has nothing of the log yet. Recover with another member');
  }

  #refuseWithoutVote(): void {
    const { consensus } = this.#parts;
    const { voters, votersOutgoing } = consensus.status().conf;
    if ([...voters, ...votersOutgoing].includes(consensus.memberId)) return;
    const { memberId } = consensus;
    const advice = 'Recover with one that votes, or, if none of them is left, use --force';
    throw refused(`member ${memberId} has no vote, so writes were acknowledged without it. ${advice}`);
  }

  /** What its log has is not known yet, and it may make a majority with this one. */
  #refuseStarting([id]: readonly number[]): void {
    if (id === undefined) return;
    throw refused(`member ${id} is starting. Wait until it is up or has ended; if it never comes up, use --force`);
  }

  #refuseLongerLog(living: readonly Living[]): void {
    const { consensus, lastTerm } = this.#parts;
    const own = { term: lastTerm(), index: consensus.status().lastIndex };
    for (const { id, status } of living) {
      const { lastTerm: term = 0, lastIndex: index = 0 } = status;
      if (term < own.term || (term === own.term && index <= own.index)) continue;
      const has = `its log ends at index ${index} of term ${term}, that of this one at ${own.index} of term ${own.term}`;
      throw refused(`member ${id} has more of the log: ${has}. Recover with that one, or use --force`);
    }
  }
}

function isStarting(error: unknown): boolean {
  return error instanceof CellError && error.code === 'CELL_E_STARTING';
}

function refused(why: string): CellError {
  return new CellError('CELL_E_CONFLICT', `Cannot recover the cluster with this member alone: ${why}`);
}
