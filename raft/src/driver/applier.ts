import type { ConfChange, ConfState, Entry, SnapshotMeta } from '../core/index.ts';
import { decodeConfChange } from '../core/index.ts';
import type { AppliedWaiters } from './applied-waiters.ts';
import type { StateMachine } from './ports.ts';
import type { Proposals } from './proposals.ts';

const NO_CONTEXT = new Uint8Array(0);

export interface ApplierParts {
  readonly machine: StateMachine;
  readonly proposals: Proposals;
  readonly waiters: AppliedWaiters;
  /** Puts a committed change of membership in force in the core. */
  readonly applyConfChange: (change: ConfChange, index: number) => ConfState;
  readonly conf: ConfState;
  readonly membershipIndex: number;
}

/** Brings committed entries to the state machine, in order, each exactly once. */
export class Applier {
  readonly #parts: ApplierParts;
  #conf: ConfState;
  #membershipIndex: number;
  /** Since `takeCounts`. */
  #entries = 0;
  #bytes = 0;

  constructor(parts: ApplierParts) {
    this.#parts = parts;
    this.#conf = parts.conf;
    this.#membershipIndex = parts.membershipIndex;
  }

  get applied(): number {
    return this.#parts.waiters.applied;
  }

  get conf(): ConfState {
    return this.#conf;
  }

  /** Where the membership changed last: a snapshot from before it is of no use to a new member. */
  get membershipIndex(): number {
    return this.#membershipIndex;
  }

  /** What was applied since the last snapshot. */
  get sinceSnapshot(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries, bytes: this.#bytes };
  }

  snapshotTaken(): void {
    this.#entries = 0;
    this.#bytes = 0;
  }

  apply(committed: readonly Entry[]): void {
    const last = committed.at(-1);
    if (last === undefined) return;
    // Applying may have been ordered before a snapshot was restored: what that holds is done, membership included.
    const { applied } = this;
    let batch: Entry[] = [];
    for (const entry of committed) {
      if (entry.index <= applied) continue;
      this.#entries += 1;
      this.#bytes += entry.data.length;
      if (entry.type === 'normal') {
        batch.push(entry);
        continue;
      }
      this.#applyBatch(batch);
      batch = [];
      this.#applyMembership(entry);
    }
    this.#applyBatch(batch);
    if (last.index > applied) this.#parts.waiters.advance(last.index);
  }

  /** The state machine was restored from a snapshot. */
  restored(meta: SnapshotMeta): void {
    this.#conf = meta.conf;
    this.#membershipIndex = meta.index;
    this.snapshotTaken();
    this.#parts.proposals.coveredBySnapshot(meta.index);
    this.#parts.waiters.advance(meta.index);
    this.#parts.machine.applyMembership?.(meta.conf, meta.index, NO_CONTEXT);
  }

  #applyBatch(batch: readonly Entry[]): void {
    if (batch.length === 0) return;
    const { machine, proposals } = this.#parts;
    const filled = batch.every((entry) => entry.data.length > 0)
      ? batch
      : batch.filter((entry) => entry.data.length > 0);
    const results = filled.length === 0 ? [] : machine.apply(filled);
    if (results.length !== filled.length) {
      throw new Error(`State machine gave ${results.length} results for ${filled.length} entries`);
    }
    if (!proposals.hasAppended) return;
    let at = 0;
    for (const entry of batch) {
      if (entry.data.length === 0) proposals.applied(entry, undefined);
      else {
        proposals.applied(entry, results[at]);
        at += 1;
      }
    }
  }

  #applyMembership(entry: Entry): void {
    const { machine, proposals, applyConfChange } = this.#parts;
    const change = decodeConfChange(entry.data);
    this.#conf = applyConfChange(change, entry.index);
    this.#membershipIndex = entry.index;
    machine.applyMembership?.(this.#conf, entry.index, change.context);
    proposals.applied(entry, this.#conf);
  }
}
