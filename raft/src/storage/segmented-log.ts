import { ByteWriter } from '../codec/index.ts';
import { type FileSystem, type OpenFile, writeFully } from './file-system.ts';
import { type FramePayload, writeFramePayload } from './frame-payload.ts';
import { type Blank, makeBlank, nameBlank, removeQuietly, segmentPath } from './segment-file.ts';
import {
  beginFrame,
  endFrame,
  FRAME_BYTES_MAX,
  FRAME_HEADER_BYTES,
  type FrameKind,
  frameBytes,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  type StoreIdentity,
  segmentSalt,
} from './segment-format.ts';
import { diskError, onDisk, StorageError } from './storage-error.ts';

/** Room for the seal, which is always left at a segment's end. */
const SEAL_BYTES = frameBytes(1);

const SEAL: FramePayload = { hardState: undefined, meta: undefined, entries: [] };

/** A segment that is no longer written to. */
export interface ClosedSegment {
  readonly number: number;
  /** The highest index of any entry or installed snapshot in it; 0 if it has none. */
  readonly indexMax: number;
}

export interface ActiveSegment extends ClosedSegment {
  readonly file: OpenFile;
  readonly sizeBytes: number;
  readonly endOffset: number;
}

export interface SegmentedLogOptions {
  readonly fileSystem: FileSystem;
  readonly directory: string;
  readonly identity: StoreIdentity;
  readonly segmentBytes: number;
}

/** What a new segment's header must know about the log so far. */
export type LogPosition = Pick<SegmentHeader, 'hardState' | 'previousIndex' | 'previousTerm'>;

/**
 * The writing side of the log's files: frames go behind one another, a full segment is followed by the next, which
 * was preallocated meanwhile. `write` is called one at a time; a rejection of it means that nothing more may be
 * written here, ever.
 */
export class SegmentedLog {
  readonly #options: SegmentedLogOptions;
  readonly #writer = new ByteWriter();
  #closedSegments: ClosedSegment[];
  #active: ActiveSegment;
  #salt: number;
  #offset: number;
  #indexMax: number;
  #sequence: number;
  /** The next segment in the making; undefined if that failed, and then it is tried again when needed. */
  #spare: Promise<Blank | undefined>;

  constructor(options: SegmentedLogOptions, closed: readonly ClosedSegment[], active: ActiveSegment, sequence: number) {
    this.#options = options;
    this.#closedSegments = [...closed];
    this.#active = active;
    this.#salt = segmentSalt({ identity: options.identity, number: active.number });
    this.#offset = active.endOffset;
    this.#indexMax = active.indexMax;
    this.#sequence = sequence;
    this.#spare = this.#makeSpare();
  }

  /** Resolves once the frame is on the disk. */
  async write(kind: FrameKind, payload: FramePayload, position: LogPosition): Promise<void> {
    beginFrame(this.#writer);
    writeFramePayload(this.#writer, payload);
    const needed = frameBytes(this.#writer.length - FRAME_HEADER_BYTES);
    if (needed > FRAME_BYTES_MAX) {
      const message = `Batch of ${needed} bytes is above the limit of ${FRAME_BYTES_MAX}. Propose less at once`;
      throw new StorageError('CELL_E_BATCH_TOO_LARGE', message);
    }
    if (this.#offset + needed + SEAL_BYTES > this.#active.sizeBytes) {
      await this.#roll(needed, position);
      beginFrame(this.#writer);
      writeFramePayload(this.#writer, payload);
    }
    await this.#writeFrame(kind);
    this.#indexMax = Math.max(this.#indexMax, payload.meta?.index ?? 0, payload.entries.at(-1)?.index ?? 0);
  }

  /** Deletes the oldest segments as long as all their entries are at or below `index`. */
  async removeUpTo(index: number): Promise<void> {
    const { fileSystem, directory } = this.#options;
    let removed = false;
    for (;;) {
      const oldest = this.#closedSegments[0];
      if (oldest === undefined || oldest.indexMax > index) break;
      const file = segmentPath(directory, oldest.number);
      // Oldest first and one after the other: a crash in between leaves no gap.
      await onDisk('delete', file, fileSystem.remove(file));
      this.#closedSegments.shift();
      removed = true;
    }
    if (removed) await onDisk('sync', directory, fileSystem.syncDirectory(directory));
  }

  async close(): Promise<void> {
    const spare = await this.#spare;
    if (spare !== undefined) await removeQuietly(this.#options.fileSystem, spare.file, spare.path);
    await this.#active.file.close();
  }

  async #writeFrame(kind: FrameKind): Promise<void> {
    const frame = endFrame(this.#writer, kind, this.#sequence, this.#salt);
    try {
      await writeFully(this.#active.file, frame, this.#offset);
      await this.#active.file.datasync();
    } catch (cause) {
      throw diskError('write', segmentPath(this.#options.directory, this.#active.number), cause);
    }
    this.#offset += frame.length;
    this.#sequence += 1;
  }

  async #roll(neededBytes: number, position: LogPosition): Promise<void> {
    const { fileSystem, directory, identity } = this.#options;
    const number = this.#active.number + 1;
    const sizeBytes = SEGMENT_HEADER_BYTES + neededBytes + SEAL_BYTES;
    const blank = await this.#blankOf(number, sizeBytes);
    // The seal takes the next sequence, here in this segment; the new one begins behind it.
    const header = { identity, number, firstSequence: this.#sequence + 1, sizeBytes: blank.sizeBytes, ...position };
    await nameBlank(fileSystem, directory, blank, header, this.#writer);
    beginFrame(this.#writer);
    writeFramePayload(this.#writer, SEAL);
    await this.#writeFrame('seal');
    await this.#active.file.close();
    this.#closedSegments.push({ number: this.#active.number, indexMax: this.#indexMax });
    this.#active = {
      number,
      file: blank.file,
      sizeBytes: blank.sizeBytes,
      endOffset: SEGMENT_HEADER_BYTES,
      indexMax: 0,
    };
    this.#offset = SEGMENT_HEADER_BYTES;
    this.#indexMax = 0;
    this.#salt = segmentSalt({ identity, number });
    this.#spare = this.#makeSpare();
  }

  async #blankOf(number: number, sizeBytes: number): Promise<Blank> {
    const { fileSystem, directory, segmentBytes } = this.#options;
    const spare = await this.#spare;
    if (spare !== undefined && spare.sizeBytes >= sizeBytes) return spare;
    if (spare !== undefined) await removeQuietly(fileSystem, spare.file, spare.path);
    return makeBlank(fileSystem, directory, number, Math.max(segmentBytes, sizeBytes));
  }

  #makeSpare(): Promise<Blank | undefined> {
    const { fileSystem, directory, segmentBytes } = this.#options;
    return makeBlank(fileSystem, directory, this.#active.number + 1, segmentBytes).catch(() => undefined);
  }
}
