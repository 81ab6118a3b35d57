/**
 * Founding members in one simulated world: messages that are lost, repeated and late, processes that crash between any
 * two steps, and disks that are wiped. What runs in it are the decisions of founding-steps.ts. One seed, one history.
 */
import { CellError } from '../../cell-error.ts';
import type { KnownMember } from '../../consensus/peers/member-directory.ts';
import type { MemberAddress } from '../../ports.ts';
import {
  type Asked,
  type Founding,
  foundersText,
  type Introduction,
  type IntroductionAnswer,
  nextStep,
  receive,
  takeAdmission,
  takeFounding,
} from '../founding-steps.ts';
import { type MemberIdentity, newIdentity } from '../member-identity.ts';

export interface Steps {
  readonly nextStep: typeof nextStep;
  readonly receive: typeof receive;
  readonly takeFounding: typeof takeFounding;
}

export const realSteps: Steps = { nextStep, receive, takeFounding };

export interface FoundingScenario {
  readonly seed: number;
  readonly members: number;
  /** Disks that are wiped on the way. */
  readonly wipes: number;
  readonly steps?: Steps;
}

/** A member that opened a log: from then on it votes in that cluster. */
export interface Opening {
  readonly member: number;
  readonly incarnation: string;
  readonly clusterId: string;
}

type Message =
  | { readonly kind: 'introduce'; readonly from: number; readonly to: number; readonly introduction: Introduction }
  | {
      readonly kind: 'answer';
      readonly to: number;
      readonly from: number;
      readonly start: number;
      readonly asked: Asked;
    }
  | { readonly kind: 'found'; readonly to: number; readonly founding: Founding };

interface SimulatedMember {
  readonly id: number;
  identity: MemberIdentity;
  up: boolean;
  ended: boolean;
  /** Counts starts: what an earlier process asked is not answered to a later one. */
  start: number;
  asked: Map<number, Asked>;
}

const ROUNDS_TROUBLED = 150;
const ROUNDS_CALM = 1200;

/** Who asks again while so many messages are on their way waits. */
const MESSAGES_MAX = 40;

export class FoundingSimulation {
  readonly members: readonly SimulatedMember[];
  readonly openings: Opening[] = [];
  /** Incarnations whose disks are gone. */
  readonly wiped = new Set<string>();
  readonly #configured: readonly MemberAddress[];
  readonly #steps: Steps;
  readonly #random: () => number;
  #wipesLeft: number;
  #messages: Message[] = [];
  #named = 0;

  constructor({ seed, members, wipes, steps = realSteps }: FoundingScenario) {
    this.#random = seededRandom(seed);
    this.#steps = steps;
    this.#wipesLeft = wipes;
    this.#configured = Array.from({ length: members }, (_, place) => {
      const id = place + 1;
      return { id, grpc: `h${id}:1`, peers: `h${id}:2`, http: `h${id}:3` };
    });
    this.members = this.#configured.map(({ id }) => {
      return { id, identity: this.#empty(id), up: true, ended: false, start: 0, asked: new Map() };
    });
  }

  /** Trouble first, then calm, in which all that may start runs. `check` is called after every step. */
  run(check: () => void): void {
    for (let round = 0; round < ROUNDS_TROUBLED; round += 1) {
      this.#trouble();
      this.#turn();
      check();
    }
    for (const member of this.members) this.#restart(member);
    this.#wipesLeft = 0;
    for (let round = 0; round < ROUNDS_CALM; round += 1) {
      this.#turn();
      check();
    }
  }

  #turn(): void {
    const chance = this.#random();
    const member = this.members[Math.floor(this.#random() * this.members.length)]!;
    if (chance < 0.35) this.#work(member);
    else this.#deliver();
  }

  #trouble(): void {
    const chance = this.#random();
    const member = this.members[Math.floor(this.#random() * this.members.length)]!;
    if (chance < 0.06) member.up = false;
    else if (chance < 0.16) this.#restart(member);
    else if (chance < 0.19) this.#wipe(member);
    else if (chance < 0.25) {
      const lost = Math.floor(this.#random() * this.#messages.length);
      this.#messages.splice(lost, 1);
    } else if (chance < 0.3) {
      const repeated = this.#messages[Math.floor(this.#random() * this.#messages.length)];
      if (repeated !== undefined) this.#messages.push(repeated);
    }
  }

  #wipe(member: SimulatedMember): void {
    if (this.#wipesLeft === 0) return;
    this.#wipesLeft -= 1;
    this.wiped.add(member.identity.incarnation);
    member.identity = this.#empty(member.id);
    member.ended = false;
    this.#restart(member);
  }

  #restart(member: SimulatedMember): void {
    if (member.ended) return;
    member.up = true;
    member.start += 1;
    member.asked.clear();
  }

  /** One step of a member's process: open the log, ask the others, or decide on what they said. */
  #work(member: SimulatedMember): void {
    if (!member.up || member.ended) return;
    const { identity } = member;
    if (identity.clusterId !== '') {
      if (identity.logMade) return;
      member.identity = { ...identity, logMade: true };
      const { memberId, incarnation, clusterId } = identity;
      this.openings.push({ member: memberId, incarnation, clusterId });
      return;
    }
    const others = this.#configured.filter(({ id }) => id !== member.id);
    if (member.asked.size < others.length && this.#random() < 0.9) {
      if (this.#messages.length > MESSAGES_MAX) return;
      const introduction = this.#introduction(member);
      for (const { id } of others) this.#messages.push({ kind: 'introduce', from: member.id, to: id, introduction });
      return;
    }
    this.#decide(member, others);
  }

  #decide(member: SimulatedMember, others: readonly MemberAddress[]): void {
    const silent = (id: number): Asked => ({ id, error: new CellError('CELL_E_PEER_UNREACHABLE', 'silent') });
    const asked = others.map(({ id }) => member.asked.get(id) ?? silent(id));
    member.asked.clear();
    const step = this.#steps.nextStep(member.identity, this.#configured, asked);
    if (step.kind === 'end') member.ended = true;
    else if (step.kind === 'join') member.identity = takeAdmission(member.identity, step);
    else if (step.kind === 'found') this.#found(member, step.members);
  }

  #found(member: SimulatedMember, members: readonly KnownMember[]): void {
    this.#named += 1;
    const founding = { clusterId: `cluster-${this.#named}`, cluster: 'c', members };
    member.identity = takeFounding(member.identity, this.#configured, founding);
    // It may crash with none, some or all of these sent.
    for (const { id } of members) {
      if (this.#random() < 0.2) break;
      if (id !== member.id) this.#messages.push({ kind: 'found', to: id, founding });
    }
    // The rarest trouble is the worst: what was sent is still on its way when the one that sent it starts anew.
    if (this.#random() < 0.3) this.#wipe(member);
  }

  #deliver(): void {
    const place = Math.floor(this.#random() * this.#messages.length);
    const [message] = this.#messages.splice(place, 1);
    if (message === undefined) return;
    const to = this.members[message.to - 1]!;
    if (!to.up || to.ended) return;
    if (message.kind === 'answer') {
      if (message.start === to.start) to.asked.set(message.from, message.asked);
    } else if (message.kind === 'found') this.#toldOf(to, message.founding);
    else this.#introduced(to, message.from, message.introduction);
  }

  #toldOf(to: SimulatedMember, founding: Founding): void {
    try {
      to.identity = this.#steps.takeFounding(to.identity, this.#configured, founding);
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
    }
  }

  #introduced(to: SimulatedMember, from: number, introduction: Introduction): void {
    const asked = this.#answer(to, from, introduction);
    const { start } = this.members[from - 1]!;
    this.#messages.push({ kind: 'answer', to: from, from: to.id, start, asked });
  }

  #answer(to: SimulatedMember, from: number, introduction: Introduction): Asked {
    const { memberId, clusterId, incarnation, cluster, members } = to.identity;
    const known = members.find(({ id }) => id === from);
    const record = known === undefined ? undefined : { incarnation: known.incarnation, status: 'member' as const };
    const founders = foundersText(this.#configured);
    const answer: IntroductionAnswer = {
      memberId,
      clusterId,
      incarnation,
      cluster,
      founders,
      admitted: false,
      refusal: '',
      members: [],
    };
    try {
      const reception = this.#steps.receive(to.identity, record, introduction);
      if (reception.kind === 'tell') {
        this.#messages.push({ kind: 'found', to: from, founding: { clusterId, cluster, members } });
      }
      return { id: to.id, answer: reception.kind === 'admit' ? { ...answer, admitted: true, members } : answer };
    } catch (error) {
      return { id: to.id, error: error as Error };
    }
  }

  #introduction({ identity }: SimulatedMember): Introduction {
    const { memberId, incarnation, cluster } = identity;
    return { memberId, incarnation, cluster, founders: foundersText(this.#configured) };
  }

  #empty(id: number): MemberIdentity {
    this.#named += 1;
    return newIdentity(id, 'c', `incarnation-${this.#named}`);
  }
}

/** mulberry32. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
