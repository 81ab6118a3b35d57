/** How many connections may be, from where, and how many that have not shown yet who they are. Pure. */

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
  readonly address: string;
  /** Who it counts for: its address until it is known who it is. */
  source: string;
  unfinished: boolean;
}

export class ConnectionLimits<C> {
  readonly #settings: ConnectionLimitSettings;
  readonly #all = new Map<C, Counted>();
  readonly #bySource = new Map<string, number>();
  /** By address, the oldest first. */
  readonly #unfinished = new Map<string, Set<C>>();
  #unfinishedCount = 0;

  constructor(settings: ConnectionLimitSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#all.size;
  }

  get unfinished(): number {
    return this.#unfinishedCount;
  }

  /** Counts a connection, or says why it can't be; `evict` is one that has to end for it. */
  begin(connection: C, address: string): { readonly fault?: LimitFault; readonly evict?: C | undefined } {
    if (this.#all.size >= this.#settings.connections) return { fault: 'connections' };
    if ((this.#bySource.get(address) ?? 0) >= this.#settings.connectionsPerSource) return { fault: 'address' };
    let evict: C | undefined;
    if (this.#unfinishedCount >= this.#settings.handshakes) {
      evict = this.#worstUnfinished(address);
      if (evict === undefined) return { fault: 'handshakes' };
      this.end(evict);
    }
    this.#all.set(connection, { address, source: address, unfinished: true });
    this.#count(address, 1);
    const waiting = this.#unfinished.get(address) ?? new Set();
    this.#unfinished.set(address, waiting.add(connection));
    this.#unfinishedCount += 1;
    return { evict };
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

  #finished(connection: C, counted: Counted): void {
    if (!counted.unfinished) return;
    counted.unfinished = false;
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
