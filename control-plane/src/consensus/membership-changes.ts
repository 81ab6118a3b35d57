import { type ConfChangeType, CoreError, type Driver } from '@cell/raft';
import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import type { Clock, MembershipChange } from '../ports.ts';
import { invitationRefusal } from '../state/apply/invite-member.ts';
import type { Command, CommandResult } from '../state/commands.ts';
import type { FleetState } from '../state/fleet-state.ts';
import { encodeCommand } from '../state/format/command-codec.ts';
import { checkCaughtUp, checkRemoval, reachableVoters } from './membership-guards.ts';
import { proposalError } from './raft-error.ts';

export interface MembershipChangesParts {
  readonly driver: Pick<Driver, 'changeMembership' | 'transferLeadership' | 'status'>;
  readonly state: FleetState;
  readonly clock: Clock;
  readonly log: Logger;
  readonly electionMs: number;
  /** Has a command committed, on the leader. */
  readonly propose: (command: Command) => Promise<CommandResult>;
}

/**
 * The leader's changes of membership. Each is one entry of the log: the change of Raft's configuration carries the
 * command that changes the table of members, so that no crash can come between the two. All are the same when made
 * twice. Only one voter changes at a time, so none of them needs a joint configuration.
 */
export class MembershipChanges {
  readonly #parts: MembershipChangesParts;
  #underWay: string | undefined;

  constructor(parts: MembershipChangesParts) {
    this.#parts = parts;
  }

  /**
   * Resolves with the Raft index of the change once it is applied here. Rejects with `CELL_E_NOT_LEADER` (nothing was
   * written, also if leadership was handed over so that this member can be removed), `CELL_E_CONFLICT`,
   * `CELL_E_NOT_FOUND`, `CELL_E_NOT_CAUGHT_UP`, `CELL_E_LIMIT`, or as proposals do.
   */
  async change(change: MembershipChange): Promise<number> {
    const { driver, state } = this.#parts;
    if (driver.status().role !== 'leader') throw notLeader(driver.status().id);
    if (this.#underWay !== undefined) {
      const message = `Another change of membership is under way: ${this.#underWay}; try again when it is done`;
      throw new CellError('CELL_E_CONFLICT', message);
    }
    if (state.members.size === 0) {
      const message = 'The founding members are not written down yet; try again in a moment';
      throw new CellError('CELL_E_CONFLICT', message);
    }
    this.#underWay = describe(change);
    try {
      return await this.#make(change);
    } finally {
      this.#underWay = undefined;
    }
  }

  #make(change: MembershipChange): Promise<number> {
    switch (change.kind) {
      case 'add':
        return this.#add(change);
      case 'promote':
        return this.#promote(change.id);
      case 'remove':
        return this.#remove(change.id, change.force);
    }
  }

  async #add({ id, grpc, peers, http }: MembershipChange & { kind: 'add' }): Promise<number> {
    const { state, driver, clock } = this.#parts;
    const refusal = invitationRefusal(state.members, { id, grpc, peers, http });
    if (refusal !== undefined) throw new CellError(...refusal);
    const { conf } = driver.status();
    const there = [...conf.voters, ...conf.learners, ...conf.votersOutgoing].includes(id);
    const row = state.members.get(id);
    if (there && row !== undefined) return row.modifyIndex;
    const invite: Command = { kind: 'invite-member', id, grpc, peers, http, timeMs: clock.wallMs() };
    // Only possible for members of clusters that were founded before members were written down.
    if (there) return this.#write(invite);
    return this.#change('add-learner', id, invite);
  }

  async #promote(id: number): Promise<number> {
    const { state, driver, clock, electionMs } = this.#parts;
    this.#checkPresent(id);
    const status = driver.status();
    if (status.conf.voters.includes(id)) return state.members.get(id)?.modifyIndex ?? 0;
    checkCaughtUp(status, id, electionMs);
    return this.#change('add-voter', id, { kind: 'note-promotion', id, timeMs: clock.wallMs() });
  }

  async #remove(id: number, force: boolean): Promise<number> {
    const { state, driver, clock, electionMs } = this.#parts;
    const row = state.members.get(id);
    const remove: Command = { kind: 'remove-member', id, timeMs: clock.wallMs() };
    const status = driver.status();
    const { voters, learners, votersOutgoing } = status.conf;
    if (![...voters, ...learners, ...votersOutgoing].includes(id)) {
      if (row?.status === 'removed') return row.modifyIndex;
      this.#checkPresent(id);
      return this.#write(remove);
    }
    checkRemoval(status, id, force, electionMs);
    if (id === status.id) await this.#leaveOffice(voters.length);
    return this.#change('remove', id, remove);
  }

  /** Changes the table alone. */
  async #write(command: Command): Promise<number> {
    const result = await this.#parts.propose(command);
    if (result.ok) return result.index;
    throw new CellError(result.code, result.message);
  }

  #checkPresent(id: number): void {
    const { members } = this.#parts.state;
    const row = members.get(id);
    if (row !== undefined && row.status !== 'removed') return;
    const present = [...members.values()].filter(({ status }) => status !== 'removed').map((member) => member.id);
    const why = row === undefined ? `There is no member ${id}` : `Member ${id} was removed`;
    throw new CellError('CELL_E_NOT_FOUND', `${why}; the members are ${present.sort((a, b) => a - b).join(', ')}`);
  }

  /**
   * A leader that commits its own removal can't tell the others any more that it is committed. With two or more others
   * they come to know at the next election; one alone would wait for ever for the vote of the one that has gone.
   */
  async #leaveOffice(voters: number): Promise<void> {
    const { driver, electionMs, log } = this.#parts;
    for (const to of reachableVoters(driver.status(), electionMs)) {
      try {
        await driver.transferLeadership(to, 2 * electionMs);
      } catch (error) {
        log.info({ err: error, to }, `Leadership was not handed to member ${to}, which is to remove this one`);
        if (driver.status().role === 'leader') continue;
      }
      throw notLeader(driver.status().id);
    }
    if (voters > 2) return;
    const message =
      'Leadership could not be handed to the member that would remain; see whether it runs, and try again';
    throw new CellError('CELL_E_CONFLICT', message);
  }

  async #change(type: ConfChangeType, node: number, command: Command): Promise<number> {
    const { driver, log } = this.#parts;
    try {
      const context = encodeCommand(command);
      const { index, conf } = await driver.changeMembership({ transition: 'auto', changes: [{ type, node }], context });
      log.info({ index, voters: conf.voters, learners: conf.learners }, `Membership changed: ${this.#underWay}`);
      return index;
    } catch (error) {
      if (!(error instanceof CoreError)) throw proposalError(error);
      throw new CellError('CELL_E_CONFLICT', `Membership was not changed: ${error.message}`, { cause: error });
    }
  }
}

function describe(change: MembershipChange): string {
  const done = { add: 'adding', promote: 'promoting', remove: 'removing' } as const;
  return `${done[change.kind]} member ${change.id}`;
}

function notLeader(id: number): CellError {
  return new CellError('CELL_E_NOT_LEADER', `Member ${id} is not the leader`);
}
