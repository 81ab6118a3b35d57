import type { NodeId } from '../core/index.ts';
import { LEAVE_JOINT } from '../core/index.ts';
import { ViolationError } from './checks/violation-error.ts';
import type { Operation } from './client-operation.ts';
import type { Clients } from './clients.ts';
import type { Cluster } from './cluster.ts';
import { Operator } from './operator.ts';
import type { Process } from './process.ts';
import { Random } from './random.ts';

/** Election timeouts after which, without trouble, there must be a leader. Votes may be split a few times. */
const LEADER_ELECTIONS_MAX = 30;
const COMMIT_ELECTIONS_MAX = 30;
const CONVERGENCE_ELECTIONS_MAX = 60;
const READ_ELECTIONS_MAX = 10;
const STEP_DOWN_ELECTIONS_MAX = 4;
const TRANSFER_ELECTIONS_MAX = 5;
/** Often enough to meet a leader before it has committed anything. */
const LOOKS_PER_TICK = 20;

/**
 * What must work again when the trouble is over: liveness. First everything heals and comes together; then one of
 * some small exercises, each with one fault in an otherwise quiet cluster, which must be taken without more ado.
 */
export class Recovery {
  readonly #cluster: Cluster;
  readonly #clients: Clients;
  readonly #operator: Operator;
  readonly #random: Random;
  readonly #electionMs: number;

  constructor(cluster: Cluster, clients: Clients) {
    const { core, tickMs, clockDriftMax, seed } = cluster.scenario;
    this.#cluster = cluster;
    this.#clients = clients;
    this.#operator = new Operator(cluster);
    this.#random = new Random(seed, 6);
    // The longest election timeout of the slowest clock.
    this.#electionMs = 2 * core.electionTicks * tickMs * (1 + clockDriftMax);
  }

  run(): void {
    this.#heal();
    this.#comeTogether();
    this.#checkAcknowledged();
    // What was held up on its way could look like trouble in the exercises.
    this.#pass(this.#cluster.scenario.network.stragglerMsMax);
    this.#comeTogether();
    const { core } = this.#cluster.scenario;
    const exercises = [() => this.#transferAway(), () => this.#transferToNobody()];
    if (core.checkQuorum && core.preVote) exercises.push(() => this.#loseFollower());
    if (core.checkQuorum) exercises.push(() => this.#loseLeader());
    this.#random.pick(exercises)();
    this.#comeTogether();
    this.#checkAcknowledged();
  }

  #heal(): void {
    const { network, ids, trace } = this.#cluster;
    trace?.('*** all heals');
    network.heal();
    network.calm = true;
    for (const id of ids) {
      const member = this.#cluster.member(id);
      member.pausedUntilMs = 0;
      member.disk.extraWriteMs = 0;
      member.disk.full = false;
      member.disk.failsToSync = false;
      if (member.process !== undefined) member.process.crashPoint = undefined;
      this.#cluster.start(id);
    }
  }

  /** A leader is elected, something new is committed and read, and all members have the same state. */
  #comeTogether(): void {
    this.#must('a leader is elected', LEADER_ELECTIONS_MAX, () => this.#cluster.leaders().length > 0);
    this.#commitSomething();
    this.#must('all members have the same state', CONVERGENCE_ELECTIONS_MAX, () => this.#converged());
    this.#readSomething();
  }

  #commitSomething(): void {
    const tried: Operation[] = [];
    this.#must('a proposal is committed', COMMIT_ELECTIONS_MAX, () => {
      if (tried.some(({ answeredMs }) => answeredMs !== undefined)) return true;
      const [leader] = this.#cluster.leaders();
      if (leader !== undefined && this.#isTime(tried.at(-1))) tried.push(...this.#clients.command(leader));
      return false;
    });
  }

  #readSomething(): void {
    const asked: Operation[] = [];
    this.#must('a read is answered', READ_ELECTIONS_MAX, () => {
      if (asked.some(({ answeredMs }) => answeredMs !== undefined)) return true;
      const { leader, members } = this.#present();
      if (leader !== undefined && this.#isTime(asked.at(-1)))
        asked.push(this.#clients.read(this.#random.pick(members)));
      return false;
    });
  }

  /** A client tries again after half an election timeout. */
  #isTime(latest: Operation | undefined): boolean {
    return latest === undefined || this.#cluster.timeline.nowMs - latest.invokedMs > this.#electionMs / 2;
  }

  #converged(): boolean {
    const { leader, members, complete } = this.#present();
    if (this.#operator.replaceDamaged(this.#electionMs) || leader === undefined || !complete) return false;
    const { conf, log } = leader;
    if (conf.votersOutgoing.length > 0) {
      if (!conf.autoLeave) leader.input((node) => node.proposeConfChange(LEAVE_JOINT));
      return false;
    }
    const last = log.lastIndex();
    return members.every(({ machine, view }) => machine.applied === last && view.term === leader.view.term);
  }

  /** The leader, and those of its membership that run. */
  #present(): { leader: Process | undefined; members: Process[]; complete: boolean } {
    const [leader] = this.#cluster.leaders();
    if (leader === undefined) return { leader, members: [], complete: false };
    const { voters, learners, votersOutgoing } = leader.conf;
    const ids = [...new Set([...voters, ...learners, ...votersOutgoing])];
    const members = ids.flatMap((id) => this.#cluster.process(id) ?? []);
    return { leader, members, complete: members.length === ids.length };
  }

  /** Nothing that a client was told is done may be missing. */
  #checkAcknowledged(): void {
    const { leader } = this.#present();
    if (leader === undefined) return;
    const values = new Set(leader.machine.values);
    for (const { command, value, answeredMs } of this.#clients.history) {
      if (command === undefined || answeredMs === undefined || values.has(value)) continue;
      throw new ViolationError(
        'durability',
        `Command ${command.sequence} was acknowledged at ${answeredMs.toFixed(1)} ms and is lost`,
      );
    }
  }

  #transferAway(): void {
    const { leader } = this.#present();
    const others = leader?.conf.voters.filter((id) => id !== leader.parts.id) ?? [];
    if (leader === undefined || others.length === 0) return;
    const to = this.#random.pick(others);
    this.#cluster.trace?.(`*** leadership is to go from ${leader.parts.id} to ${to}`);
    // It has to catch up first. Where that takes longer than the leader waits, an operator asks again.
    let [asked] = this.#clients.command(leader);
    leader.input((node) => node.transferLeader(to));
    this.#must(
      `leadership goes to member ${to}`,
      TRANSFER_ELECTIONS_MAX,
      () => {
        if (this.#cluster.process(to)?.leading === true) return true;
        if (leader.leading && this.#isTime(asked)) {
          asked = this.#clients.read(leader);
          leader.input((node) => node.transferLeader(to));
        }
        return false;
      },
      LOOKS_PER_TICK,
    );
    this.#readFromFresh(to);
  }

  /** By itself, without a proposal, a new leader finds out what is committed, and then answers who asked before. */
  #readFromFresh(id: NodeId): void {
    const fresh = this.#cluster.process(id);
    if (fresh === undefined) return;
    const read = this.#clients.read(fresh);
    this.#must('a read of a new leader is answered', READ_ELECTIONS_MAX, () => {
      return read.answeredMs !== undefined || !fresh.leading;
    });
  }

  /** A transfer that can't succeed ends, and the leader takes proposals again (the dissertation, 3.10). */
  #transferToNobody(): void {
    const { leader } = this.#present();
    const others = leader?.conf.voters.filter((id) => id !== leader.parts.id) ?? [];
    if (leader === undefined || others.length < 2) return;
    const { network, ids, trace } = this.#cluster;
    const to = this.#random.pick(others);
    trace?.(`*** leadership is to go to ${to}, which is cut off`);
    network.isolate(to, ids);
    leader.input((node) => node.transferLeader(to));
    this.#commitSomething();
    network.heal();
  }

  /** A member that was cut off comes back, and disturbs nobody (the dissertation, 9.6). */
  #loseFollower(): void {
    const { leader, members } = this.#present();
    const others = members.map(({ parts }) => parts.id).filter((id) => id !== leader?.parts.id);
    if (leader === undefined || leader.conf.voters.length < 3) return;
    const { network, ids, trace } = this.#cluster;
    const { term } = leader.view;
    const id = this.#random.pick(others);
    trace?.(`*** ${id} is cut off for a while`);
    network.isolate(id, ids);
    this.#pass(3 * this.#electionMs);
    network.heal();
    // Its own clock has it stand for election before it hears from the leader.
    this.#cluster.process(id)?.input((node) => node.campaign());
    this.#pass(2 * this.#electionMs);
    if (leader.leading && leader.view.term === term) return;
    throw new ViolationError('stability', `Member ${id} was cut off, and ended term ${term} when it came back`);
  }

  /** A leader that is cut off notices, and the others go on without it. */
  #loseLeader(): void {
    const { leader } = this.#present();
    if (leader === undefined || leader.conf.voters.length < 3) return;
    const { network, ids, trace } = this.#cluster;
    const { id } = leader.parts;
    const { voters, learners } = leader.conf;
    // Who only reaches learners leads nobody.
    const lost = learners.length > 0 ? voters : ids;
    trace?.(`*** leader ${id} is cut off from ${lost.join(' ')}`);
    network.isolate(id, lost);
    this.#must(`leader ${id}, cut off, steps down`, STEP_DOWN_ELECTIONS_MAX, () => !leader.leading);
    this.#must('the others elect a leader', LEADER_ELECTIONS_MAX, () => this.#cluster.leaders().length > 0);
    this.#commitSomething();
    network.heal();
  }

  #pass(forMs: number): void {
    const { timeline } = this.#cluster;
    const untilMs = timeline.nowMs + forMs;
    while (timeline.advance(untilMs));
  }

  /** Waits for something that must come within so many election timeouts; looks once a tick, or more often. */
  #must(what: string, electionsMax: number, condition: () => boolean, looksPerTick = 1): void {
    const { timeline, scenario } = this.#cluster;
    const untilMs = timeline.nowMs + electionsMax * this.#electionMs;
    while (!condition()) {
      if (timeline.nowMs >= untilMs) {
        throw new ViolationError('liveness', `After ${electionsMax} election timeouts without faults not yet: ${what}`);
      }
      this.#pass(scenario.tickMs / looksPerTick);
    }
  }
}
