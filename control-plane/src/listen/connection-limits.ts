/** How many connections may be, from where, and how many that have not shown yet who they are. Pure. */
import { addressBlock } from '../model/address-block.ts';

export interface ConnectionLimitSettings {
  /** Connections of one address that came without a certificate, and of one holder of a certificate. */
  readonly connectionsPerSource: number;
  readonly connections: number;
  /** Handshakes that are not finished, in all. */
  readonly handshakes: number;
}

/** Why there is no room; bounded, for metrics. */
export type LimitFault = 'connections' | 'address' | 'handshakes';

interface Counted {
  /** All of an IPv6 network are one. */
  readonly address: string;
  /** Who it counts for: its address until it is known who it is. */
  source: string;
  stage: 'held' | 'unfinished' | 'finished';
}

/** What becomes of a connection that came. */
export type Beginning<C> =
  | { readonly kind: 'refuse'; readonly fault: LimitFault }
  /** `evict`: one that has to end for it. */
  | { readonly kind: 'begin'; readonly evict: C | undefined }
  /** Its handshake begins when `takeHeld` gives it. */
  | { readonly kind: 'hold' };

/** Connections that wait for their handshake to begin, as when a whole fleet comes back at once. */
const HELD_MAX = 4096;

export class ConnectionLimits<C> {
  readonly #settings: ConnectionLimitSettings;
  readonly #all = new Map<C, Counted>();
  readonly #bySource = new Map<string, number>();
  /** By address, the oldest first. */
  readonly #unfinished = new Map<string, Set<C>>();
  #unfinishedCount = 0;
  readonly #held = new Set<C>();

  constructor(settings: ConnectionLimitSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#all.size;
  }

  get unfinished(): number {
    return this.#unfinishedCount;
  }

  /** Counts a connection, unless it is refused. */
  begin(connection: C, from: string): Beginning<C> {
    const address = addressBlock(from);
    if (this.#all.size >= this.#settings.connections) return { kind: 'refuse', fault: 'connections' };
    const ofAddress = this.#bySource.get(address) ?? 0;
    if (ofAddress >= this.#settings.connectionsPerSource) return { kind: 'refuse', fault: 'address' };
    const full = this.#unfinishedCount >= this.#settings.handshakes;
    const evict = full ? this.#worstUnfinished(address) : undefined;
    const hold = full && evict === undefined;
    if (hold && this.#held.size >= HELD_MAX) return { kind: 'refuse', fault: 'handshakes' };
    if (evict !== undefined) this.end(evict);
    const counted: Counted = { address, source: address, stage: 'held' };
    this.#all.set(connection, counted);
    this.#count(address, 1);
    if (hold) {
      this.#held.add(connection);
      return { kind: 'hold' };
    }
    this.#started(connection, counted);
    return { kind: 'begin', evict };
  }

  /** The one that has waited longest, if its handshake can begin now. */
  takeHeld(): C | undefined {
    if (this.#unfinishedCount >= this.#settings.handshakes) return undefined;
    const connection = this.#held.values().next().value;
    if (connection === undefined) return undefined;
    this.#held.delete(connection);
    this.#started(connection, this.#all.get(connection)!);
    return connection;
  }

  /** Its handshake is done. `holder`: whom its certificate names; undefined without one. */
  finish(connection: C, holder: string | undefined): LimitFault | undefined {
    const counted = this.#all.get(connection);
    if (counted === undefined) return 'connections';
    this.#finished(connection, counted);
    if (holder === undefined) return undefined;
    if ((this.#bySource.get(holder) ?? 0) >= this.#settings.connectionsPerSource) return 'address';
    this.#count(counted.source, -1);
    counted.source = holder;
    this.#count(holder, 1);
    return undefined;
  }

  /** A second time it does nothing. */
  end(connection: C): void {
    const counted = this.#all.get(connection);
    if (counted === undefined) return;
    this.#finished(connection, counted);
    this.#all.delete(connection);
    this.#count(counted.source, -1);
  }

  /**
   * The oldest of the address that has most, so that who fills the room with handshakes that it never finishes keeps out
   * nobody but itself; undefined if that is the very address that asks.
   */
  #worstUnfinished(asking: string): C | undefined {
    let worst: ReadonlySet<C> = this.#unfinished.get(asking) ?? new Set();
    const ownCount = worst.size + 1;
    for (const each of this.#unfinished.values()) if (each.size > worst.size) worst = each;
    return worst.size > ownCount ? worst.values().next().value : undefined;
  }

  #started(connection: C, counted: Counted): void {
    counted.stage = 'unfinished';
    const waiting = this.#unfinished.get(counted.address) ?? new Set();
    this.#unfinished.set(counted.address, waiting.add(connection));
    this.#unfinishedCount += 1;
  }

  #finished(connection: C, counted: Counted): void {
    this.#held.delete(connection);
    if (counted.stage !== 'unfinished') return;
    counted.stage = 'finished';
    this.#unfinishedCount -= 1;
    const waiting = this.#unfinished.get(counted.address);
    waiting?.delete(connection);
    if (waiting?.size === 0) this.#unfinished.delete(counted.address);
  }

  #count(source: string, difference: number): void {
    const count = (this.#bySource.get(source) ?? 0) + difference;
    if (count === 0) this.#bySource.delete(source);
    else this.#bySource.set(source, count);
  }
}
