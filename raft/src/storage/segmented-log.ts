import { ByteWriter } from '../codec/index.ts';
import type { DiskState } from '../driver/ports.ts';
import { type FileSystem, type OpenFile, writeFully } from './file-system.ts';
import { type FramePayload, writeFramePayload } from './frame-payload.ts';
import { type Blank, makeBlank, nameBlank, removeQuietly, segmentPath, writeZeros } from './segment-file.ts';
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
import { diskError, diskFailed, isDiskFull, onDisk, StorageError } from './storage-error.ts';

/** Room for the seal, which is always left at a segment's end. */
const SEAL_BYTES = frameBytes(1);

/**
 * The end of a segment that only small frames may use: terms and votes, and the empty entries of new leaders, can be
 * written for a long while when there is no room for another segment. Two frames of 64 bytes per election.
 */
const RESERVE_BYTES = 256 * 1024;

/** Of the segment, where it is so small that the reserve would take much of it. */
const RESERVE_SHARE_MAX = 1 / 16;

/** Less than this share of a segment free means that the disk is full. */
const FREE_SHARE_MIN = 1 / 4;

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
 * was preallocated meanwhile. `write` is called one at a time. If it rejects with CELL_E_DISK_FULL, nothing was written
 * and it may be tried again; after any other rejection nothing more may be written here, ever.
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
  /** Bytes behind `#offset` that a write which found no room may have left there. */
  #leftBytes = 0;
  /** The next segment in the making; undefined if that failed, and then it is tried again when needed. */
  #spare: Promise<Blank | undefined>;
  /** The last attempt to make a segment found no room. */
  #noRoom = false;
  #disk: DiskState = 'ok';

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
    const small = payload.entries.every((entry) => entry.data.length === 0);
    if (await this.#mustRoll(needed, small)) {
      await this.#roll(needed, position);
      beginFrame(this.#writer);
      writeFramePayload(this.#writer, payload);
    }
    await this.#writeFrame(kind);
    this.#indexMax = Math.max(this.#indexMax, payload.meta?.index ?? 0, payload.entries.at(-1)?.index ?? 0);
  }

  get disk(): DiskState {
    return this.#disk;
  }

  /** `checkRoom` will try to make the next segment, and so must not run beside a `write`, which may do so too. */
  get lacksSegment(): boolean {
    return this.#noRoom;
  }

  /**
   * Looks how much is free, and tries to get room for the next segment if there was none; resolves with how it stands.
   * Full is said while there is still something in reserve: what was begun can be ended then.
   */
  async checkRoom(): Promise<DiskState> {
    const { fileSystem, directory, segmentBytes } = this.#options;
    if (this.#noRoom && (await this.#spare) === undefined) this.#spare = this.#makeSpare();
    await this.#spare;
    const freeBytes = await onDisk('look at', directory, fileSystem.freeBytes(directory));
    // More to come back than to leave: it must not go to and fro with each file that others write.
    const least = segmentBytes * FREE_SHARE_MIN * (this.#disk === 'full' ? 2 : 1);
    this.#disk = this.#noRoom || freeBytes < least ? 'full' : 'ok';
    return this.#disk;
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

  async #mustRoll(neededBytes: number, small: boolean): Promise<boolean> {
    const { sizeBytes } = this.#active;
    const end = this.#offset + neededBytes + SEAL_BYTES;
    if (end <= sizeBytes - Math.min(RESERVE_BYTES, sizeBytes * RESERVE_SHARE_MAX)) return false;
    // What is so large that it has a segment to itself needs no reserve there.
    if (this.#offset === SEGMENT_HEADER_BYTES && end <= sizeBytes) return false;
    return !(small && end <= sizeBytes && (await this.#spare) === undefined);
  }

  async #writeFrame(kind: FrameKind): Promise<void> {
    await this.#wipeLeft();
    const file = segmentPath(this.#options.directory, this.#active.number);
    const frame = endFrame(this.#writer, kind, this.#sequence, this.#salt);
    try {
      await writeFully(this.#active.file, frame, this.#offset);
    } catch (cause) {
      this.#leftBytes = frame.length;
      // Where blocks are not overwritten in place, even a preallocated one may find no room.
      throw diskError('write', file, cause);
    }
    // Without room or not: what a failed sync has left on the disk is not known, and it is never tried again.
    await this.#active.file.datasync().catch((cause) => Promise.reject(diskFailed('sync', file, cause)));
    this.#offset += frame.length;
    this.#sequence += 1;
  }

  /** Part of a frame that was not written in full must not show behind the next one: that would look like damage. */
  async #wipeLeft(): Promise<void> {
    if (this.#leftBytes === 0) return;
    const { file, number } = this.#active;
    const path = segmentPath(this.#options.directory, number);
    await onDisk('wipe', path, writeZeros(file, this.#offset, this.#offset + this.#leftBytes));
    await file.datasync().catch((cause) => Promise.reject(diskFailed('sync', path, cause)));
    this.#leftBytes = 0;
  }

  async #roll(neededBytes: number, position: LogPosition): Promise<void> {
    const { fileSystem, directory, identity } = this.#options;
    const number = this.#active.number + 1;
    const sizeBytes = SEGMENT_HEADER_BYTES + neededBytes + SEAL_BYTES;
    // First, as this may find no room: a segment that was made by then would be left lying about.
    await this.#wipeLeft();
    const blank = await this.#blankOf(number, sizeBytes);
    // The seal takes the next sequence, here in this segment; the new one begins behind it.
    const header = { identity, number, firstSequence: this.#sequence + 1, sizeBytes: blank.sizeBytes, ...position };
    this.#spare = Promise.resolve(undefined);
    await nameBlank(fileSystem, directory, blank, header, this.#writer);
    await this.#seal();
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

  /** The next segment has its name already, so there is no way back from here. */
  async #seal(): Promise<void> {
    beginFrame(this.#writer);
    writeFramePayload(this.#writer, SEAL);
    try {
      await this.#writeFrame('seal');
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      throw diskFailed('seal', segmentPath(this.#options.directory, this.#active.number), error);
    }
  }

  async #blankOf(number: number, sizeBytes: number): Promise<Blank> {
    const { fileSystem, directory, segmentBytes } = this.#options;
    const spare = await this.#spare;
    if (spare !== undefined && spare.sizeBytes >= sizeBytes) return spare;
    if (spare !== undefined) await removeQuietly(fileSystem, spare.file, spare.path);
    this.#spare = Promise.resolve(undefined);
    try {
      const made = await makeBlank(fileSystem, directory, number, Math.max(segmentBytes, sizeBytes));
      this.#noRoom = false;
      return made;
    } catch (error) {
      this.#noteNoRoom(error);
      throw error;
    }
  }

  async #makeSpare(): Promise<Blank | undefined> {
    const { fileSystem, directory, segmentBytes } = this.#options;
    try {
      const made = await makeBlank(fileSystem, directory, this.#active.number + 1, segmentBytes);
      this.#noRoom = false;
      return made;
    } catch (error) {
      this.#noteNoRoom(error);
      return undefined;
    }
  }

  #noteNoRoom(error: unknown): void {
    if (!isDiskFull(error)) return;
    this.#noRoom = true;
    this.#disk = 'full';
  }
}
