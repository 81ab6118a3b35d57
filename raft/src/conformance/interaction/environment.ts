import { CoreError } from '../../core/core-error.ts';
import { isLocalTarget } from '../../core/message.ts';
import type { Message, MessageType, NodeId } from '../../core/types.ts';
import { messageText, readyText } from '../message-text.ts';
import { ERROR_TEXTS } from '../names.ts';
import type { Member } from './member.ts';
import { Output } from './output.ts';

/** Rounds after which `stabilize` gives up: by then the members are going in circles. */
const STABILIZE_ROUNDS_MAX = 10_000;

export interface Recipient {
  readonly id: NodeId;
  readonly drop: boolean;
}

/** A cluster in one process, whose every step is commanded: members, and the messages on their way. */
export class Environment {
  readonly output = new Output();
  readonly members: Member[] = [];
  messages: Message[] = [];

  member(id: NodeId): Member {
    const member = this.members[id - 1];
    if (member === undefined) throw new Error(`there is no node ${id}`);
    return member;
  }

  processReady(id: NodeId): void {
    const member = this.member(id);
    const ready = member.node.ready();
    this.output.write(readyText(ready));
    if (!member.config.asyncStorageWrites) {
      member.store(ready.hardState, ready.entries, ready.snapshot);
      member.apply(ready.committedEntries);
    }
    for (const message of ready.messages) {
      if (message.type === 'storage-append') member.appendWork.push(message);
      else if (message.type === 'storage-apply') member.applyWork.push(message);
      else this.messages.push(message);
    }
    if (!member.config.asyncStorageWrites) member.node.advance();
  }

  processAppendThread(id: NodeId): void {
    const member = this.member(id);
    const work = member.appendWork.shift();
    if (work === undefined) {
      this.output.write('no append work to perform');
      return;
    }
    const { term, vote, commit } = work;
    const empty = term === 0 && vote === 0 && commit === 0;
    this.process(work, () => member.store(empty ? undefined : { term, vote, commit }, work.entries, work.snapshot));
  }

  processApplyThread(id: NodeId): void {
    const member = this.member(id);
    const work = member.applyWork.shift();
    if (work === undefined) {
      this.output.write('no apply work to perform');
      return;
    }
    this.process(work, () => member.apply(work.entries));
  }

  private process(work: Message, perform: () => void): void {
    this.output.write(`Processing:\n${messageText({ ...work, responses: [] })}\n`);
    perform();
    this.output.write('Responses:\n');
    for (const response of work.responses) this.output.write(`${messageText(response)}\n`);
    this.messages.push(...work.responses);
  }

  /** Delivers or drops what is on its way to the recipients, in order. Returns the number of messages. */
  deliver(type: MessageType | undefined, recipients: readonly Recipient[]): number {
    let count = 0;
    for (const { id, drop } of recipients) {
      const chosen = this.messagesTo(id, type, drop);
      this.messages = this.messages.filter((message) => !chosen.includes(message));
      count += chosen.length;
      for (const message of chosen) {
        this.output.write(`${drop ? 'dropped: ' : ''}${messageText(message)}\n`);
        if (!drop) this.step(message);
      }
    }
    return count;
  }

  /** Runs everything that can be done without time passing, until nothing is left. */
  stabilize(ids: readonly NodeId[]): void {
    const { output } = this;
    for (let round = 0; round < STABILIZE_ROUNDS_MAX; round++) {
      let done = true;
      const run = (id: NodeId, heading: string, work: () => void): void => {
        output.write(`> ${id} ${heading}\n`);
        output.indented(work);
        done = false;
      };
      for (const id of ids) {
        if (this.member(id).node.hasReady()) run(id, 'handling Ready', () => this.processReady(id));
      }
      for (const id of ids) {
        if (this.messagesTo(id, undefined, false).length === 0) continue;
        run(id, 'receiving messages', () => this.deliver(undefined, [{ id, drop: false }]));
      }
      for (const id of ids) {
        const { appendWork } = this.member(id);
        if (appendWork.length === 0) continue;
        run(id, 'processing append thread', () => {
          while (appendWork.length > 0) this.processAppendThread(id);
        });
      }
      for (const id of ids) {
        const { applyWork } = this.member(id);
        if (applyWork.length === 0) continue;
        run(id, 'processing apply thread', () => {
          while (applyWork.length > 0) this.processApplyThread(id);
        });
      }
      if (done) return;
    }
    throw new Error(`the cluster is not stable after ${STABILIZE_ROUNDS_MAX} rounds`);
  }

  /** Messages to ourselves and to storage threads can't get lost, so they can't be dropped. */
  private messagesTo(id: NodeId, type: MessageType | undefined, drop: boolean): Message[] {
    return this.messages.filter(
      (message) =>
        message.to === id &&
        !(drop && (message.from === message.to || isLocalTarget(message.from))) &&
        (type === undefined || message.type === type),
    );
  }

  private step(message: Message): void {
    try {
      this.member(message.to).node.step(message);
    } catch (error) {
      this.output.write(`${errorText(error)}\n`);
    }
  }
}

/** An expected error as the reference words it; any other is thrown on. */
export function errorText(error: unknown): string {
  if (!(error instanceof CoreError)) throw error;
  return ERROR_TEXTS[error.code] ?? error.message;
}
