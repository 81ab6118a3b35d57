import type { Message, NodeId } from '../core/index.ts';
import type { Random } from './random.ts';
import type { NetworkSettings } from './scenario.ts';
import type { Timeline } from './timeline.ts';

/** Snapshots take so many times as long as other messages. */
const SNAPSHOT_SLOWNESS = 5;
const REPORTED_RATE = 0.5;
/** So many messages are on their way over one link at most, as queues of real ones are bounded; what is more is lost. */
const LINK_MESSAGES_MAX = 100;

export interface NetworkParts {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly settings: NetworkSettings;
  /** Gives the message to its receiver; false if that is down, or takes no snapshot now. */
  readonly deliver: (message: Message) => boolean;
  readonly reportUnreachable: (from: NodeId, to: NodeId) => void;
  readonly reportSnapshot: (message: Message, accepted: boolean) => void;
  readonly trace: ((text: string) => void) | undefined;
}

/** Loses, delays, reorders and doubles messages, and has links that can be cut, each direction by itself. */
export class Network {
  readonly #parts: NetworkParts;
  readonly #cut = new Set<number>();
  /** How many messages are on their way, by link. */
  readonly #underWay = new Map<number, number>();
  #heldUp: { readonly to: NodeId; readonly forMsMax: number } | undefined;
  /** Added to the loss that the scenario has. */
  extraLossRate = 0;
  /** No more trouble but latency. */
  calm = false;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  cut(from: NodeId, to: NodeId): void {
    this.#cut.add(linkKey(from, to));
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return this.#cut.has(linkKey(from, to));
  }

  /** Cuts one member off from all others. */
  isolate(id: NodeId, others: readonly NodeId[]): void {
    for (const other of others) {
      if (other === id) continue;
      this.cut(id, other);
      this.cut(other, id);
    }
  }

  /** Everything that is sent to a member takes up to so much longer, and comes even if the link is cut meanwhile. */
  holdUp(to: NodeId, forMsMax: number): void {
    this.#heldUp = { to, forMsMax };
  }

  heal(): void {
    this.#cut.clear();
    this.#heldUp = undefined;
    this.extraLossRate = 0;
  }

  send(message: Message): void {
    const { random, settings, timeline, reportUnreachable } = this.#parts;
    const { from, to } = message;
    if (message.type === 'snapshot') {
      this.#sendSnapshot(message);
      return;
    }
    if (this.isCut(from, to)) {
      this.#lost(message, 'cut');
      if (settings.reportsUnreachable && random.chance(REPORTED_RATE)) {
        timeline.after(this.#latencyMs(), () => reportUnreachable(from, to));
      }
      return;
    }
    if (this.#loses()) {
      this.#lost(message, 'lost');
      return;
    }
    this.#carry(message);
    // A doubled proposal would be two: what clients of real clusters number is not this layer's business.
    if (message.type === 'propose') return;
    if (!this.calm && random.chance(settings.duplicateRate)) this.#carry(message);
  }

  #carry(message: Message): void {
    const { random, settings, timeline, deliver } = this.#parts;
    const link = linkKey(message.from, message.to);
    const underWay = this.#underWay.get(link) ?? 0;
    if (underWay === LINK_MESSAGES_MAX) {
      this.#lost(message, 'lost');
      return;
    }
    this.#underWay.set(link, underWay + 1);
    const arrive = (delayMs: number, evenIfCut: boolean): void => {
      timeline.after(delayMs, () => {
        this.#underWay.set(link, (this.#underWay.get(link) as number) - 1);
        if (!evenIfCut && this.isCut(message.from, message.to)) this.#lost(message, 'cut');
        else deliver(message);
      });
    };
    // It was on its way before the link was cut, wherever it was held up.
    if (!this.calm && random.chance(settings.stragglerRate)) arrive(random.between(0, settings.stragglerMsMax), true);
    else if (this.#heldUp?.to === message.to) arrive(random.between(0, this.#heldUp.forMsMax), true);
    else arrive(this.#latencyMs(), false);
  }

  /** A snapshot is a call with an answer: its sender learns what became of it, sooner or later. */
  #sendSnapshot(message: Message): void {
    const { timeline, deliver, reportSnapshot } = this.#parts;
    const { from, to } = message;
    timeline.after(this.#latencyMs() * SNAPSHOT_SLOWNESS, () => {
      const arrives = !this.isCut(from, to) && !this.#loses();
      if (!arrives) this.#lost(message, 'lost');
      const accepted = arrives && deliver(message) && !this.isCut(to, from) && !this.#loses();
      timeline.after(this.#latencyMs(), () => reportSnapshot(message, accepted));
    });
  }

  #latencyMs(): number {
    const { random, settings } = this.#parts;
    return random.between(settings.latencyMsMin, settings.latencyMsMax);
  }

  #loses(): boolean {
    return !this.calm && this.#parts.random.chance(this.#parts.settings.lossRate + this.extraLossRate);
  }

  #lost({ type, from, to }: Message, how: string): void {
    this.#parts.trace?.(`${from} -> ${to} ${type} is ${how}`);
  }
}

const NODES_MAX = 1024;

function linkKey(from: NodeId, to: NodeId): number {
  return from * NODES_MAX + to;
}
