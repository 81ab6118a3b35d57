import {
  type ByteReader,
  type ByteWriter,
  readEntries,
  readHardState,
  readSnapshotMeta,
  writeEntries,
  writeHardState,
  writeSnapshotMeta,
} from '../codec/index.ts';
import type { Entry, HardState, SnapshotMeta } from '../core/types.ts';

const HAS_HARD_STATE = 0x01;
const HAS_ENTRIES = 0x02;
const HAS_META = 0x04;

/** What one frame changes. All of it takes effect together. */
export interface FramePayload {
  readonly hardState: HardState | undefined;
  /** In an `install` or `founding` frame: the place from where the log goes on. */
  readonly meta: SnapshotMeta | undefined;
  readonly entries: readonly Entry[];
}

/** Layout: flags, then hard state, snapshot meta and entries, as flagged. */
export function writeFramePayload(writer: ByteWriter, payload: FramePayload): void {
  const { hardState, meta, entries } = payload;
  const hasEntries = entries.length > 0;
  writer.byte((hardState ? HAS_HARD_STATE : 0) | (hasEntries ? HAS_ENTRIES : 0) | (meta ? HAS_META : 0));
  if (hardState) writeHardState(writer, hardState);
  if (meta) writeSnapshotMeta(writer, meta);
  if (hasEntries) writeEntries(writer, entries);
}

export function readFramePayload(reader: ByteReader): FramePayload {
  const flags = reader.byte();
  const payload = {
    hardState: flags & HAS_HARD_STATE ? readHardState(reader) : undefined,
    meta: flags & HAS_META ? readSnapshotMeta(reader) : undefined,
    // Copied, so that one entry that lives long doesn't keep a whole segment in memory.
    entries: flags & HAS_ENTRIES ? readEntries(reader).map((one) => ({ ...one, data: one.data.slice() })) : [],
  };
  reader.finish();
  return payload;
}
