import type { Entry, HardState, SnapshotMeta } from '../core/types.ts';
import type { FramePayload } from './frame-payload.ts';
import type { FrameKind, SegmentHeader } from './segment-format.ts';
import { logDamaged } from './storage-error.ts';

/** Replays frames into the log that they describe. */
export class LogBuilder {
  base = { index: 0, term: 0 };
  entries: Entry[] = [];
  hardState: HardState = { term: 0, vote: 0, commit: 0 };
  /** The last received snapshot that was put in force. */
  installed: SnapshotMeta | undefined;
  /** Only known while the first segment is still there. */
  founding: SnapshotMeta | undefined;

  get lastIndex(): number {
    return this.base.index + this.entries.length;
  }

  get lastTerm(): number {
    return this.entries.at(-1)?.term ?? this.base.term;
  }

  /** The segments before are gone: what they said is in the header. */
  beginAt(header: SegmentHeader): void {
    this.base = { index: header.previousIndex, term: header.previousTerm };
    this.hardState = header.hardState;
  }

  add(kind: FrameKind, payload: FramePayload, file: string, offset: number): void {
    if (payload.meta !== undefined) this.#replaceAll(kind, payload.meta);
    if (payload.hardState !== undefined) this.hardState = payload.hardState;
    this.#replaceTail(payload.entries, file, offset);
  }

  #replaceAll(kind: FrameKind, meta: SnapshotMeta): void {
    this.base = { index: meta.index, term: meta.term };
    this.entries = [];
    if (kind === 'install') this.installed = meta;
    if (kind === 'founding') this.founding = meta;
  }

  #replaceTail(entries: readonly Entry[], file: string, offset: number): void {
    let previous: Entry | undefined;
    for (const entry of entries) {
      if (previous !== undefined && entry.index !== previous.index + 1) {
        throw logDamaged(file, offset, `entry ${entry.index} follows entry ${previous.index}`);
      }
      previous = entry;
    }
    const first = entries[0];
    if (first === undefined) return;
    if (first.index > this.lastIndex + 1) {
      throw logDamaged(file, offset, `entry ${first.index} follows entry ${this.lastIndex}`);
    }
    if (first.index <= this.base.index) {
      // The tail that is replaced began in a segment that was compacted away since. What remains was replaced and
      // committed long ago, or that segment would still be there: the first entry serves as the new base.
      this.base = { index: first.index, term: first.term };
      this.entries = entries.slice(1);
      return;
    }
    this.entries.length = first.index - this.base.index - 1;
    for (const entry of entries) this.entries.push(entry);
  }
}
