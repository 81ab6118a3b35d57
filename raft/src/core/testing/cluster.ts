import { decodeConfChange } from '../confchange/conf-change-codec.ts';
import { CoreError } from '../core-error.ts';
import { defaultConfig } from '../default-config.ts';
import { EMPTY_CONF_STATE, MemoryLog } from '../log/memory-log.ts';
import { NO_BYTES } from '../message.ts';
import { RawNode } from '../raw-node.ts';
import type { ConfChangeSingle, Config, ConfState, Entry, Message, NodeId, ReadState, Ready } from '../types.ts';

const ROUNDS_MAX = 10_000;
/** Many times what an election takes. */
const EXCHANGES_MAX = 100;
/** The index of the snapshot that every member begins with. */
export const START_INDEX = 1;

export interface TestMember {
  readonly id: NodeId;
  node: RawNode;
  readonly log: MemoryLog;
  /** What the state machine was given since the start, in order. */
  applied: Entry[];
  reads: ReadState[];
  /** The membership as of the last applied entry. */
  conf: ConfState;
}

export interface TestClusterOptions {
  readonly voters: readonly NodeId[];
  readonly learners?: readonly NodeId[];
  readonly config?: Partial<Config>;
}

/**
 * A small cluster for readable tests: members with logs in memory, a network whose links can be cut, and no time but
 * by `tick`. Nothing happens by itself: `settle` runs everything that is due, `storeAndSend` one member's Ready.
 */
export class TestCluster {
  readonly members = new Map<NodeId, TestMember>();
  messages: Message[] = [];
  private readonly down = new Set<NodeId>();
  private readonly cut = new Set<string>();
  private readonly options: TestClusterOptions;

  constructor(options: TestClusterOptions) {
    this.options = options;
    const conf = { ...EMPTY_CONF_STATE, voters: options.voters, learners: options.learners ?? [] };
    for (const id of [...conf.voters, ...conf.learners]) this.add(id, conf, START_INDEX);
  }

  /** A new member that knows nothing yet. */
  join(id: NodeId): TestMember {
    return this.add(id, EMPTY_CONF_STATE, 0);
  }

  private add(id: NodeId, conf: ConfState, index: number): TestMember {
    const log = new MemoryLog();
    if (index > 0) log.applySnapshot({ meta: { index, term: 1, conf }, data: NO_BYTES });
    const member = { id, log, node: this.start(id, log, index), applied: [], reads: [], conf };
    this.members.set(id, member);
    return member;
  }

  private start(id: NodeId, log: MemoryLog, applied: number): RawNode {
    return new RawNode({ ...defaultConfig, random: () => 0, ...this.options.config, id, log, applied });
  }

  /**
   * Starts a member anew from what it has stored; what it had not stored is gone. Its state machine was in memory,
   * so everything behind the snapshot is applied again.
   */
  restart(id: NodeId): void {
    const member = this.member(id);
    const { index, conf } = member.log.snapshot().meta;
    member.node = this.start(id, member.log, index);
    member.applied = [];
    member.conf = conf;
    this.messages = this.messages.filter(({ from }) => from !== id);
  }

  member(id: NodeId): TestMember {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`No member '${id}'`);
    return member;
  }

  node(id: NodeId): RawNode {
    return this.member(id).node;
  }

  /** Cuts a member off in both directions, with what is on its way. */
  isolate(...ids: NodeId[]): void {
    for (const id of ids) this.down.add(id);
    this.messages = this.messages.filter((message) => this.reaches(message));
  }

  cutLink(from: NodeId, to: NodeId): void {
    this.cut.add(`${from}>${to}`);
  }

  heal(): void {
    this.down.clear();
    this.cut.clear();
  }

  /** Takes one Ready, stores it, puts its messages on the way, applies, and advances. */
  storeAndSend(id: NodeId): Ready {
    const member = this.member(id);
    const ready = member.node.ready();
    if (ready.hardState !== undefined) member.log.setHardState(ready.hardState);
    if (ready.snapshot !== undefined) {
      member.log.applySnapshot(ready.snapshot);
      member.conf = ready.snapshot.meta.conf;
    }
    member.log.append(ready.entries);
    this.send(ready.messages);
    this.apply(member, ready.committedEntries);
    member.reads.push(...ready.readStates);
    member.node.advance();
    return ready;
  }

  /** Stores and sends all that these members have ready; says whether there was anything. Delivers nothing. */
  storeAll(...ids: readonly NodeId[]): boolean {
    let busy = false;
    for (const id of ids) {
      for (let count = 0; this.node(id).hasReady(); count++) {
        if (count === ROUNDS_MAX) throw new Error(`Member '${id}' had something ready ${ROUNDS_MAX} times in a row`);
        this.storeAndSend(id);
        busy = true;
      }
    }
    return busy;
  }

  /** Lets these members store and send, and all get what was sent, round by round, only as long as it takes. */
  exchangeUntil(condition: () => boolean, ...ids: readonly NodeId[]): void {
    for (let round = 0; round < EXCHANGES_MAX; round++) {
      if (condition()) return;
      this.storeAll(...ids);
      this.deliver();
    }
    throw new Error(`Not within ${EXCHANGES_MAX} exchanges: ${condition.toString()}`);
  }

  send(messages: readonly Message[]): void {
    this.messages.push(...messages.filter((message) => this.reaches(message)));
  }

  private apply(member: TestMember, entries: readonly Entry[]): void {
    for (const entry of entries) {
      member.applied.push(entry);
      if (entry.type === 'conf-change') {
        member.conf = member.node.applyConfChange(decodeConfChange(entry.data), entry.index);
      }
    }
  }

  /** Delivers all messages that are on the way now, or those of one type or to one member. */
  deliver(wanted: (message: Message) => boolean = () => true): void {
    const due = this.messages.filter(wanted);
    this.messages = this.messages.filter((message) => !wanted(message));
    for (const message of due) {
      try {
        this.node(message.to).step(message);
      } catch (error) {
        if (!(error instanceof CoreError)) throw error;
      }
    }
  }

  /** Runs until nothing is left to do without time passing. */
  settle(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const underWay = this.messages.length > 0;
      const stored = this.storeAll(...this.members.keys());
      if (!underWay && !stored) return;
      this.deliver();
    }
    throw new Error(`The cluster did not settle in ${ROUNDS_MAX} rounds`);
  }

  elect(id: NodeId): void {
    this.node(id).campaign();
    this.settle();
    if (!this.leaders().includes(id)) throw new Error(`Member '${id}' was not elected`);
  }

  tick(id: NodeId, count = 1): void {
    for (let i = 0; i < count; i++) this.node(id).tick();
  }

  propose(id: NodeId, ...texts: string[]): void {
    this.node(id).propose(texts.map((text) => new TextEncoder().encode(text)));
  }

  change(id: NodeId, ...changes: ConfChangeSingle[]): void {
    this.node(id).proposeConfChange({ transition: 'auto', changes, context: NO_BYTES });
  }

  /** Snapshots a member's state at its applied index and drops the log up to there. */
  compact(id: NodeId): void {
    const { log, node, conf } = this.member(id);
    const { applied } = node.basicStatus();
    log.createSnapshot(applied, conf, NO_BYTES);
    log.compact(applied);
  }

  leaders(): NodeId[] {
    return [...this.members.values()].filter(({ node }) => node.basicStatus().role === 'leader').map(({ id }) => id);
  }

  /** The texts that a member's state machine was given. */
  texts(id: NodeId): string[] {
    return this.member(id).applied.flatMap(({ type, data }) =>
      type === 'normal' && data.length > 0 ? [new TextDecoder().decode(data)] : [],
    );
  }

  term(id: NodeId): number {
    return this.node(id).basicStatus().term;
  }

  private reaches({ from, to }: Message): boolean {
    return this.members.has(to) && !this.down.has(from) && !this.down.has(to) && !this.cut.has(`${from}>${to}`);
  }
}

/** A message with only the fields that matter set. */
export function testMessage(fields: Partial<Message> & Pick<Message, 'type' | 'from' | 'to'>): Message {
  return {
    term: 0,
    logTerm: 0,
    index: 0,
    entries: [],
    commit: 0,
    vote: 0,
    snapshot: undefined,
    reject: false,
    rejectHint: 0,
    context: NO_BYTES,
    responses: [],
    ...fields,
  };
}

export function testEntry(term: number, index: number, text = ''): Entry {
  return { term, index, type: 'normal', data: new TextEncoder().encode(text) };
}
