/**
 * A consensus of one member in memory: commands are applied in order, each in an event-loop turn of its own. Tests can
 * take its leadership away and have commands fail.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ConfState, RaftStatus } from '@cell/raft';
import { CellError } from '../../cell-error.ts';
import type { Consensus, Leadership, MembershipChange, Replication } from '../../ports.ts';
import { applyCommand } from '../../state/apply/apply-command.ts';
import type { Command, CommandResult } from '../../state/commands.ts';
import type { StateChange } from '../../state/fleet-state.ts';
import { FleetTables } from '../../state/fleet-tables.ts';

export class MemoryConsensus implements Consensus {
  disk: Consensus['disk'] = 'ok';
  readonly memberId: number = 1;
  readonly clusterId: string = 'c0ffee0123456789';
  readonly tables = new FleetTables();
  readonly commands: Command[] = [];
  leadership: Leadership = { leaderId: 1, leading: true, term: 1 };
  /** Asked before each command: an error makes it fail, unwritten. */
  failure: (command: Command) => CellError | undefined = () => undefined;
  /** Held: commands wait until it is released. */
  hold: Promise<void> | undefined;
  /** What barriers wait for: until then this member lags behind. */
  lag: Promise<void> = Promise.resolve();
  readonly #changeListeners = new Set<(change: StateChange | 'replaced') => void>();
  readonly #leadershipListeners = new Set<(leadership: Leadership) => void>();
  #index = 0;

  get state(): FleetTables {
    return this.tables;
  }

  async submit(command: Command, _timeoutMs: number): Promise<CommandResult> {
    if (this.leadership.leaderId === 0) throw new CellError('CELL_E_NO_LEADER', 'There is no leader');
    await nextTurn();
    await this.hold;
    const error = this.failure(command);
    if (error !== undefined) throw error;
    return this.write(command);
  }

  propose(command: Command): Promise<CommandResult> {
    if (!this.leadership.leading) {
      return Promise.reject(new CellError('CELL_E_NOT_LEADER', 'This member is not the leader'));
    }
    return this.submit(command, 0);
  }

  /** Changes the state without telling anybody: as a snapshot does before it says 'replaced'. */
  silently(change: () => void): void {
    const listeners = [...this.#changeListeners];
    this.#changeListeners.clear();
    change();
    for (const listener of listeners) this.#changeListeners.add(listener);
  }

  /** Applies a command at once, as if another member had proposed it. */
  write(command: Command): CommandResult {
    this.#index += 1;
    this.commands.push(command);
    const { result, change } = applyCommand(this.tables, command, this.#index);
    this.announce(change);
    return result;
  }

  readBarrier(_timeoutMs: number): Promise<void> {
    if (this.leadership.leaderId !== 0) return this.lag;
    return Promise.reject(new CellError('CELL_E_NO_LEADER', 'There is no leader'));
  }

  onChange(listener: (change: StateChange | 'replaced') => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  onLeadership(listener: (leadership: Leadership) => void): () => void {
    this.#leadershipListeners.add(listener);
    return () => this.#leadershipListeners.delete(listener);
  }

  lead(leadership: Leadership): void {
    this.leadership = leadership;
    for (const listener of this.#leadershipListeners) listener(leadership);
  }

  replaced(): void {
    this.announce('replaced');
  }

  announce(change: StateChange | 'replaced'): void {
    for (const listener of this.#changeListeners) listener(change);
  }

  transferLeadership(to: number, _timeoutMs: number): Promise<void> {
    this.lead({ leaderId: to, leading: to === this.memberId, term: this.leadership.term + 1 });
    return Promise.resolve();
  }

  /** Changes of membership that were asked for. */
  readonly changes: MembershipChange[] = [];
  conf: ConfState = { voters: [1, 2, 3], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };

  changeMembership(change: MembershipChange, _timeoutMs: number): Promise<number> {
    this.changes.push(change);
    return Promise.resolve(this.#index);
  }

  /** All others have all of the log, and were heard of just now. */
  replication(_timeoutMs: number): Promise<Replication> {
    if (this.leadership.leaderId === 0) return Promise.reject(new CellError('CELL_E_NO_LEADER', 'There is no leader'));
    const of = (id: number, learner: boolean) => {
      const lastContactMs = id === this.leadership.leaderId ? undefined : 5;
      return { id, matchIndex: this.#index, state: 'replicate', lastContactMs, learner } as const;
    };
    const { voters, learners } = this.conf;
    const members = [...voters.map((id) => of(id, false)), ...learners.map((id) => of(id, true))];
    return Promise.resolve({ lastIndex: this.#index, members });
  }

  status(): RaftStatus {
    const { leaderId: leader, leading, term } = this.leadership;
    const indexes = { commit: this.#index, applied: this.#index, firstIndex: 1, lastIndex: this.#index };
    const role = leading ? 'leader' : 'follower';
    const place = { id: this.memberId, leader, role, term, vote: 0, snapshotIndex: 0 } as const;
    const memory = { logEntries: 0, logBytes: 0, pendingProposals: 0, pendingProposalBytes: 0, pendingReads: 0 };
    return { ...place, ...indexes, conf: this.conf, disk: this.disk, memory, members: [] };
  }
}
