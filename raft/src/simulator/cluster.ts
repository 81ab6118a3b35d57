import type { Entry, Message, NodeId, ReadState, Snapshot } from '../core/index.ts';
import { EMPTY_CONF_STATE } from '../core/index.ts';
import { AllChecks } from './checks/all-checks.ts';
import { ViolationError } from './checks/violation-error.ts';
import { SimulatedDisk } from './disk.ts';
import { decodeValue } from './list-machine.ts';
import { Network } from './network.ts';
import { Process } from './process.ts';
import type { ProcessParts } from './process-storage.ts';
import { Random } from './random.ts';
import type { Scenario } from './scenario.ts';
import { Timeline } from './timeline.ts';

/** The founding members begin behind this index, as if it were a snapshot without data. */
export const START_INDEX = 1;

/** A member over all its runs. */
export interface Member {
  readonly id: NodeId;
  readonly disk: SimulatedDisk;
  /** `undefined` while it is down. */
  process: Process | undefined;
  starts: number;
  /** How long this member's ticks are: its clock is a little wrong. */
  tickMs: number;
  /** It stands still until then: what arrives waits, and no time passes for it. */
  pausedUntilMs: number;
}

/** What others want to know of what happens in the cluster. */
export interface ClusterEvents {
  applied(process: Process, entry: Entry): void;
  readable(process: Process, state: ReadState): void;
  crashed(process: Process): void;
}

/** All members, their disks and the network between them, in virtual time. */
export class Cluster {
  readonly scenario: Scenario;
  readonly timeline = new Timeline();
  readonly network: Network;
  readonly checks: AllChecks;
  readonly members = new Map<NodeId, Member>();
  readonly ids: readonly NodeId[];
  readonly trace: ((text: string) => void) | undefined;
  events: ClusterEvents | undefined;
  readonly #random: Random;

  constructor(scenario: Scenario, trace: ((atMs: number, text: string) => void) | undefined) {
    this.scenario = scenario;
    this.trace = trace && ((text) => trace(this.timeline.nowMs, text));
    this.#random = new Random(scenario.seed, 2);
    this.network = new Network({
      timeline: this.timeline,
      random: new Random(scenario.seed, 3),
      settings: scenario.network,
      deliver: (message) => this.#deliver(message),
      reportUnreachable: (from, to) => this.process(from)?.input((node) => node.reportUnreachable(to)),
      reportSnapshot: (message, accepted) => this.#reportSnapshot(message, accepted),
      trace: this.trace,
    });
    this.checks = new AllChecks({
      startIndex: START_INDEX,
      messageSizeMax: scenario.core.messageSizeMax,
      logOf: (member) => (this.process(member.id) as Process).log,
      durableOf: (id) => this.members.get(id)?.disk.durable,
      readValue: (entry) => (entry.type === 'normal' && entry.data.length > 0 ? decodeValue(entry.data) : undefined),
    });
    this.ids = Array.from({ length: scenario.voters + scenario.spares }, (_, at) => at + 1);
    const founding = makeFounding(this.ids.slice(0, scenario.voters));
    for (const id of this.ids) this.#found(id, id <= scenario.voters ? founding : undefined);
  }

  begin(): void {
    for (const member of this.members.values()) {
      this.start(member.id);
      this.timeline.after(this.#random.between(0, member.tickMs), () => this.#tick(member));
    }
  }

  member(id: NodeId): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new RangeError(`There is no member '${id}'`);
    return member;
  }

  process(id: NodeId): Process | undefined {
    return this.members.get(id)?.process;
  }

  /** All that run, in order of id. */
  running(): Process[] {
    const running: Process[] = [];
    for (const { process } of this.members.values()) if (process !== undefined) running.push(process);
    return running;
  }

  /** Has never been a member, so that it can't have forgotten anything. */
  isFresh(id: NodeId): boolean {
    const { disk } = this.member(id);
    return !disk.damaged && disk.log.lastIndex() === 0;
  }

  /** Who takes itself for the leader; the one with the highest term comes first. */
  leaders(): Process[] {
    return this.running()
      .filter(({ leading }) => leading)
      .sort((a, b) => b.view.term - a.view.term);
  }

  start(id: NodeId): void {
    const member = this.member(id);
    if (member.process !== undefined) return;
    if (member.disk.damaged) {
      this.trace?.(`${id} refuses to start: its disk is damaged`);
      return;
    }
    member.starts++;
    const process: Process = startProcess({
      id,
      start: member.starts,
      disk: member.disk,
      scenario: this.scenario,
      random: this.#random,
      timeline: this.timeline,
      checks: this.checks,
      send: (message) => this.network.send(message),
      crash: () => this.crash(id),
      applied: (entry) => this.events?.applied(process, entry),
      readable: (state) => this.events?.readable(process, state),
      trace: this.trace,
    });
    member.process = process;
    this.trace?.(`${id} starts, log to ${member.disk.log.lastIndex()}`);
    process.begin();
  }

  crash(id: NodeId): void {
    const member = this.member(id);
    const { process } = member;
    if (process === undefined) return;
    member.process = undefined;
    process.crash();
    member.disk.crash(this.#random, this.scenario.storage.tornWrites);
    this.trace?.(`${id} crashes; its disk ends at ${member.disk.log.lastIndex()}`);
    this.events?.crashed(process);
  }

  pause(id: NodeId, forMs: number): void {
    const member = this.member(id);
    member.pausedUntilMs = Math.max(member.pausedUntilMs, this.timeline.nowMs + forMs);
  }

  #found(id: NodeId, founding: Snapshot | undefined): void {
    const { clockDriftMax, tickMs } = this.scenario;
    const member: Member = {
      id,
      disk: new SimulatedDisk(founding),
      process: undefined,
      starts: 0,
      tickMs: tickMs * (1 + clockDriftMax) ** this.#random.between(-1, 1),
      pausedUntilMs: 0,
    };
    this.members.set(id, member);
  }

  /** Ticks that a pause has left out are not made up for. */
  #tick(member: Member): void {
    this.timeline.after(member.tickMs, () => this.#tick(member));
    if (member.pausedUntilMs <= this.timeline.nowMs) member.process?.input((node) => node.tick());
  }

  #deliver(message: Message): boolean {
    const { pausedUntilMs, process } = this.member(message.to);
    const { nowMs } = this.timeline;
    if (process === undefined) return false;
    if (pausedUntilMs > nowMs) {
      if (message.type === 'snapshot') return false;
      this.timeline.after(pausedUntilMs - nowMs, () => this.#deliver(message));
      return true;
    }
    this.trace?.(messageText(message));
    return process.receive(message);
  }

  #reportSnapshot({ from, to, term }: Message, accepted: boolean): void {
    const process = this.process(from);
    // Whoever sent it may have started anew since; then it is nobody's any more.
    if (process?.view.term !== term) return;
    process.input((node) => node.reportSnapshot(to, accepted));
  }
}

/** A member must be able to start from whatever its disk holds. */
function startProcess(parts: ProcessParts): Process {
  try {
    return new Process(parts);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ViolationError('no failure', `Member ${parts.id} can't start: ${reason}`, { cause: error });
  }
}

function makeFounding(voters: readonly NodeId[]): Snapshot {
  const meta = { index: START_INDEX, term: 1, conf: { ...EMPTY_CONF_STATE, voters } };
  return { meta, data: new Uint8Array(0) };
}

function messageText(message: Message): string {
  const { type, from, to, term, index, logTerm, entries, commit, reject, snapshot } = message;
  const count = entries.length > 0 ? ` +${entries.length}` : '';
  const at = snapshot === undefined ? `${index}@${logTerm}` : `${snapshot.meta.index}@${snapshot.meta.term}`;
  return `${from} -> ${to} ${type} term ${term} at ${at}${count} commit ${commit}${reject ? ' rejected' : ''}`;
}
