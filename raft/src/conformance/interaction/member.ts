import { decodeConfChange, MemoryLog, RawNode } from '../../core/index.ts';
import type { Config, ConfState, Entry, HardState, Message, NodeId, Snapshot } from '../../core/types.ts';

/** A log whose snapshot is always the state machine's latest state, whatever was compacted. */
class HistoryLog extends MemoryLog {
  latest: () => Snapshot = () => super.snapshot();

  override snapshot(): Snapshot {
    return this.latest();
  }
}

/** One member with its storage, and a state machine that appends what is applied to what it has. */
export class Member {
  readonly id: NodeId;
  readonly config: Config;
  readonly node: RawNode;
  readonly log: MemoryLog;
  /** With asynchronous storage: work that was handed out and not begun. */
  readonly appendWork: Message[] = [];
  readonly applyWork: Message[] = [];
  /** The state after every applied entry, the latest last. */
  private readonly history: Snapshot[];

  constructor(id: NodeId, config: Omit<Config, 'id' | 'log'>, initial: Snapshot) {
    this.id = id;
    const log = new HistoryLog();
    this.log = log;
    this.history = [initial];
    if (initial.meta.index > 0) log.applySnapshot(initial);
    log.latest = () => this.latest();
    this.config = { ...config, id, log };
    this.node = new RawNode(this.config);
  }

  latest(): Snapshot {
    return this.history.at(-1) as Snapshot;
  }

  store(hardState: HardState | undefined, entries: readonly Entry[], snapshot: Snapshot | undefined): void {
    if (hardState !== undefined) this.log.setHardState(hardState);
    if (snapshot === undefined) {
      this.log.append(entries);
      return;
    }
    if (entries.length > 0) throw new Error("can't apply snapshot and entries at the same time");
    this.log.applySnapshot(snapshot);
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const before = this.latest();
      let conf: ConfState = before.meta.conf;
      let update = entry.data;
      if (entry.type === 'conf-change') {
        const change = decodeConfChange(entry.data);
        update = change.context;
        conf = this.node.applyConfChange(change, entry.index);
      }
      const data = new Uint8Array(before.data.length + update.length);
      data.set(before.data);
      data.set(update, before.data.length);
      this.history.push({ meta: { index: entry.index, term: entry.term, conf }, data });
    }
  }
}
