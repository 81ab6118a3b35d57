import type { Logger } from 'pino';
import { CellError } from '../cell-error.ts';
import type { KnownMember } from '../consensus/peers/member-directory.ts';
import type { Introductions } from '../consensus/peers/peer-service.ts';
import type { Consensus, MemberAddress } from '../ports.ts';
import type { MemberCalls } from './ask-members.ts';
import {
  foundersText,
  type Introduction,
  type IntroductionAnswer,
  type MemberRecord,
  receive,
  takeFounding,
} from './founding-steps.ts';
import type { IdentityStore } from './identity-store.ts';
import { answerToProto, foundingFromProto, introductionFromProto } from './introduction-messages.ts';

const ADMIT_MS_MAX = 1000;

export interface ReceivingParts {
  readonly store: IdentityStore;
  readonly configured: readonly MemberAddress[];
  readonly calls: Pick<MemberCalls, 'tell'>;
  readonly log: Logger;
  readonly wallMs: () => number;
  /** Makes machines members, for a token. */
  readonly joinMember: Introductions['joinMember'];
}

/** Answers those who are not in the cluster yet, from when this member listens: before and after it takes part itself. */
export class MemberReception implements Introductions {
  readonly #parts: ReceivingParts;
  #consensus: Consensus | undefined;
  #members: () => readonly KnownMember[];

  constructor(parts: ReceivingParts) {
    this.#parts = parts;
    this.#members = () => parts.store.identity.members;
  }

  /** From now on what the replicated table says counts. */
  takesPart(consensus: Consensus, members: () => readonly KnownMember[]): void {
    this.#consensus = consensus;
    this.#members = members;
  }

  async introduce(said: Parameters<Introductions['introduce']>[0]) {
    return answerToProto(await this.#answer(introductionFromProto(said)));
  }

  async found(said: Parameters<Introductions['found']>[0]) {
    const { store, configured } = this.#parts;
    const founding = foundingFromProto(said);
    await store.update((own) => takeFounding(own, configured, founding));
    return {};
  }

  joinMember(...said: Parameters<Introductions['joinMember']>) {
    return this.#parts.joinMember(...said);
  }

  async #answer(caller: Introduction): Promise<IntroductionAnswer> {
    const { store, configured } = this.#parts;
    const own = store.identity;
    const { memberId, clusterId, incarnation, cluster } = own;
    const answer = {
      memberId,
      clusterId,
      incarnation,
      cluster,
      founders: foundersText(configured),
      admitted: false,
      members: [],
    };
    const reception = receive(own, this.#record(caller.memberId), caller);
    switch (reception.kind) {
      case 'empty':
        return { ...answer, refusal: '' };
      case 'refuse':
        return { ...answer, refusal: reception.reason };
      case 'tell':
        void this.#tell(caller.memberId);
        return { ...answer, refusal: 'Waiting to be told of the cluster that was founded' };
      case 'admit': {
        const refusal = reception.known ? '' : await this.#admit(caller);
        return { ...answer, admitted: refusal === '', refusal, members: refusal === '' ? this.#members() : [] };
      }
    }
  }

  /** What the table says; before it has rows, what this member knew when it entered. */
  #record(id: number): MemberRecord | undefined {
    const rows = this.#consensus?.state.members;
    if (rows !== undefined && rows.size > 0) return rows.get(id);
    const known = this.#parts.store.identity.members.find((member) => member.id === id);
    return known === undefined ? undefined : { incarnation: known.incarnation, status: 'member' };
  }

  /** Empty once it is written that the member came; else why it is not, for now. Throws what it has to end with. */
  async #admit({ memberId, incarnation }: Introduction): Promise<string> {
    const consensus = this.#consensus;
    if (consensus === undefined) return 'Waiting for a member that takes part in the cluster';
    try {
      const command = { kind: 'admit-member', timeMs: this.#parts.wallMs(), id: memberId, incarnation } as const;
      const result = await consensus.submit(command, ADMIT_MS_MAX);
      if (result.ok) return '';
      // It was written that another one came, or that it was removed, after this was looked up: ask again.
      return result.message;
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      return `Waiting for the cluster to write that member ${memberId} has come: ${error.message}`;
    }
  }

  async #tell(id: number): Promise<void> {
    const { store, calls, log } = this.#parts;
    const { clusterId, cluster, members } = store.identity;
    const to = members.find((member) => member.id === id)!;
    try {
      await calls.tell(to, { clusterId, cluster, members });
      log.info({ peer: id }, `Told member ${id} that the cluster is founded`);
    } catch (error) {
      log.info({ peer: id, err: error }, `Member ${id} could not be told that the cluster is founded`);
    }
  }
}
