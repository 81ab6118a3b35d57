import type { ConfChange } from '../core/index.ts';
import { LEAVE_JOINT } from '../core/index.ts';
import { ViolationError } from './checks/violation-error.ts';
import type { Operation } from './client-operation.ts';
import type { Clients } from './clients.ts';
import type { Cluster } from './cluster.ts';
import { Operator } from './operator.ts';
import type { Process } from './process.ts';
import { Random } from './random.ts';

/** Election timeouts after which, without trouble, there must be a leader. Votes may be split a few times. */
export const LEADER_ELECTIONS_MAX = 30;
const COMMIT_ELECTIONS_MAX = 30;
const CONVERGENCE_ELECTIONS_MAX = 60;
export const READ_ELECTIONS_MAX = 10;
/** Often enough to meet a leader before it has committed anything. */
export const LOOKS_PER_TICK = 20;

/** A cluster without faults, but for those that an exercise makes, and what it must be able to do. */
export class QuietCluster {
  readonly cluster: Cluster;
  readonly clients: Clients;
  readonly random: Random;
  /** The longest election timeout of the slowest clock. */
  readonly electionMs: number;
  readonly #operator: Operator;

  constructor(cluster: Cluster, clients: Clients) {
    const { core, tickMs, clockDriftMax, seed } = cluster.scenario;
    this.cluster = cluster;
    this.clients = clients;
    this.#operator = new Operator(cluster);
    this.random = new Random(seed, 6);
    this.electionMs = 2 * core.electionTicks * tickMs * (1 + clockDriftMax);
  }

  /** A leader is elected, something new is committed and read, and all members have the same state. */
  comeTogether(): void {
    this.must('a leader is elected', LEADER_ELECTIONS_MAX, () => this.cluster.leaders().length > 0);
    this.commitSomething();
    this.must('all members have the same state', CONVERGENCE_ELECTIONS_MAX, () => this.#converged());
    this.#readSomething();
  }

  commitSomething(): void {
    const tried: Operation[] = [];
    this.must('a proposal is committed', COMMIT_ELECTIONS_MAX, () => {
      if (tried.some(({ answeredMs }) => answeredMs !== undefined)) return true;
      const [leader] = this.cluster.leaders();
      if (leader !== undefined && this.isTime(tried.at(-1))) tried.push(...this.clients.command(leader));
      return false;
    });
  }

  /** Has the leader change the membership, and waits until the change is in force everywhere. */
  reconfigure(change: ConfChange): void {
    const [leader] = this.cluster.leaders();
    leader?.input((node) => node.proposeConfChange(change));
    this.comeTogether();
  }

  /** The leader, and those of its membership that run. */
  present(): { leader: Process | undefined; members: Process[]; complete: boolean } {
    const [leader] = this.cluster.leaders();
    if (leader === undefined) return { leader, members: [], complete: false };
    const { voters, learners, votersOutgoing } = leader.conf;
    const ids = [...new Set([...voters, ...learners, ...votersOutgoing])];
    const members = ids.flatMap((id) => this.cluster.process(id) ?? []);
    return { leader, members, complete: members.length === ids.length };
  }

  /** Nothing that a client was told is done may be missing. */
  checkAcknowledged(): void {
    const { leader } = this.present();
    if (leader === undefined) return;
    const values = new Set(leader.machine.values);
    for (const { command, value, answeredMs } of this.clients.history) {
      if (command === undefined || answeredMs === undefined || values.has(value)) continue;
      throw new ViolationError(
        'durability',
        `Command ${command.sequence} was acknowledged at ${answeredMs.toFixed(1)} ms and is lost`,
      );
    }
  }

  /** A client tries again after half an election timeout. */
  isTime(latest: Operation | undefined): boolean {
    return latest === undefined || this.cluster.timeline.nowMs - latest.invokedMs > this.electionMs / 2;
  }

  pass(forMs: number): void {
    const { timeline } = this.cluster;
    const untilMs = timeline.nowMs + forMs;
    while (timeline.advance(untilMs));
  }

  /** Waits for something that must come within so many election timeouts; looks once a tick, or more often. */
  must(what: string, electionsMax: number, condition: () => boolean, looksPerTick = 1): void {
    if (this.#comes(electionsMax, condition, looksPerTick)) return;
    throw new ViolationError('liveness', `After ${electionsMax} election timeouts without faults not yet: ${what}`);
  }

  /** Waits for something that need not come, looking often. False: it did not within so many election timeouts. */
  may(electionsMax: number, condition: () => boolean): boolean {
    return this.#comes(electionsMax, condition, LOOKS_PER_TICK);
  }

  #comes(electionsMax: number, condition: () => boolean, looksPerTick: number): boolean {
    const { timeline, scenario } = this.cluster;
    const untilMs = timeline.nowMs + electionsMax * this.electionMs;
    while (!condition()) {
      if (timeline.nowMs >= untilMs) return false;
      this.pass(scenario.tickMs / looksPerTick);
    }
    return true;
  }

  #readSomething(): void {
    const asked: Operation[] = [];
    this.must('a read is answered', READ_ELECTIONS_MAX, () => {
      if (asked.some(({ answeredMs }) => answeredMs !== undefined)) return true;
      const { leader, members } = this.present();
      if (leader !== undefined && this.isTime(asked.at(-1))) asked.push(this.clients.read(this.random.pick(members)));
      return false;
    });
  }

  #converged(): boolean {
    const { leader, members, complete } = this.present();
    if (this.#operator.replaceDamaged(this.electionMs) || leader === undefined || !complete) return false;
    const { conf, log } = leader;
    if (conf.votersOutgoing.length > 0) {
      if (!conf.autoLeave) leader.input((node) => node.proposeConfChange(LEAVE_JOINT));
      return false;
    }
    const last = log.lastIndex();
    return members.every(({ machine, view }) => machine.applied === last && view.term === leader.view.term);
  }
}
