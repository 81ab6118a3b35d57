/** Events for one reader: those that are kept, then what happens. */
import type { StreamEventsRequest } from '@cell/proto';
import { CellError } from '../cell-error.ts';
import type { EventRow } from '../model/entities.ts';
import type { Consensus } from '../ports.ts';
import { eventToProto } from './to-proto.ts';

/** Events that wait for one slow reader. */
const waitingMax = 5_000;

/** `visible`: whether the reader may see it. */
export async function* streamEvents(
  consensus: Consensus,
  request: StreamEventsRequest,
  visible: (event: EventRow) => boolean,
  signal: AbortSignal,
) {
  const waiting = new WaitingEvents(consensus, request, visible);
  const stop = request.follow ? consensus.onChange((change) => waiting.changed(change)) : undefined;
  signal.addEventListener('abort', waiting.wake);
  try {
    while (!signal.aborted) {
      for (const event of waiting.take()) yield { event: eventToProto(event) };
      if (stop === undefined) return;
      if (waiting.empty && !signal.aborted) await waiting.next();
    }
  } finally {
    signal.removeEventListener('abort', waiting.wake);
    stop?.();
  }
}

class WaitingEvents {
  readonly #consensus: Consensus;
  readonly #visible: (event: EventRow) => boolean;
  #events: EventRow[];
  /** Raft index of the newest event that was taken in. */
  #index: number;
  #overflown = false;
  #wakeReader: () => void = () => {};

  constructor(
    consensus: Consensus,
    { afterIndex, limit }: Pick<StreamEventsRequest, 'afterIndex' | 'limit'>,
    visible: (event: EventRow) => boolean,
  ) {
    this.#consensus = consensus;
    this.#visible = visible;
    const { events } = consensus.state;
    const kept = events.filter((event) => event.index > Number(afterIndex) && visible(event));
    this.#events = limit > 0 ? kept.slice(-limit) : kept;
    this.#index = Math.max(Number(afterIndex), events.at(-1)?.index ?? 0);
  }

  get empty(): boolean {
    return this.#events.length === 0;
  }

  changed(change: { readonly events: readonly EventRow[] } | 'replaced'): void {
    // A snapshot skipped the changes in between, but not the events that are kept.
    const events = change === 'replaced' ? this.#consensus.state.events : change.events;
    const fresh = events.filter((event) => event.index > this.#index);
    if (fresh.length === 0) return;
    this.#index = fresh.at(-1)!.index;
    const visible = fresh.filter(this.#visible);
    if (visible.length === 0) return;
    if (this.#events.length + visible.length > waitingMax) this.#overflown = true;
    else this.#events.push(...visible);
    this.wake();
  }

  take(): readonly EventRow[] {
    if (this.#overflown) {
      const message = `The reader is too slow: more than ${waitingMax} events wait for it; read again from the last one seen`;
      throw new CellError('CELL_E_OVERLOADED', message);
    }
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /** Resolves once there is something to take, or the reader has gone. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeReader = resolve;
    });
  }

  readonly wake = (): void => this.#wakeReader();
}
