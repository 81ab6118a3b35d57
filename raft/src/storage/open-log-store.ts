import path from 'node:path';
import { ByteWriter } from '../codec/index.ts';
import type { ConfState, SnapshotMeta } from '../core/types.ts';
import type { LogStore } from '../driver/ports.ts';
import { lockDirectory } from './directory-lock.ts';
import { FileLogStore } from './file-log-store.ts';
import { type FileSystem, writeFully } from './file-system.ts';
import { foundingState } from './founding.ts';
import { writeFramePayload } from './frame-payload.ts';
import type { LogState } from './log-mirror.ts';
import { EMPTY_META } from './log-mirror.ts';
import { nodeFileSystem } from './node-file-system.ts';
import { missingSegment, type RecoveredSegments, recoverSegments, type TornTail } from './recover-segments.ts';
import { makeBlank, nameBlank, removeQuietly, segmentNumber, segmentPath } from './segment-file.ts';
import { beginFrame, endFrame, SEGMENT_HEADER_BYTES, type StoreIdentity, segmentSalt } from './segment-format.ts';
import { SegmentedLog } from './segmented-log.ts';
import { SnapshotDirectory } from './snapshot-directory.ts';
import { diskError, logDamaged, onDisk, snapshotMissing } from './storage-error.ts';

export const SEGMENT_BYTES_DEFAULT = 16 * 1024 * 1024;

/** Room for the header and the frames of a small cluster's configuration. */
export const SEGMENT_BYTES_MIN = 64 * 1024;

export interface LogStoreOptions {
  /** Made if it is missing. It belongs to this store alone. */
  readonly directory: string;
  readonly identity: StoreIdentity;
  /**
   * The founding members, the same on each of them; undefined for a member that will be added to a running cluster.
   * It counts only while the directory is empty.
   */
  readonly bootstrap: ConfState | undefined;
  /** Bytes of one segment, at least 64 KiB. Default 16 MiB. */
  readonly segmentBytes?: number;
  readonly fileSystem?: FileSystem;
  /** Keeps other processes out of the directory; returns how to let go. */
  readonly lock?: (directory: string) => Promise<() => Promise<void>>;
  /** An unfinished write at the log's end was cut off at start: say so to people. */
  readonly onTornTail?: (tail: TornTail) => void;
}

/**
 * Opens the durable store in a directory, founding it there if the directory is empty. All of the log and the newest
 * snapshot are verified. Throws `StorageError`: what is damaged is never served.
 */
export async function openLogStore(options: LogStoreOptions): Promise<LogStore> {
  const { directory, fileSystem = nodeFileSystem, lock = lockDirectory } = options;
  const segmentBytes = options.segmentBytes ?? SEGMENT_BYTES_DEFAULT;
  if (segmentBytes < SEGMENT_BYTES_MIN)
    throw new RangeError(`Segments of ${segmentBytes} bytes are below ${SEGMENT_BYTES_MIN}`);
  await makeDirectory(fileSystem, directory);
  const unlock = await lock(directory);
  try {
    const numbers = await tidySegments(fileSystem, directory);
    if (numbers.length === 0) {
      await found(fileSystem, segmentBytes, options);
      numbers.push(1);
    }
    const recovered = await recoverSegments(fileSystem, directory, options.identity, numbers);
    return await assemble(options, fileSystem, segmentBytes, recovered, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function assemble(
  options: LogStoreOptions,
  fileSystem: FileSystem,
  segmentBytes: number,
  recovered: RecoveredSegments,
  unlock: () => Promise<void>,
): Promise<FileLogStore> {
  const { directory, identity } = options;
  const snapshots = new SnapshotDirectory(fileSystem, directory, identity);
  let state: LogState;
  try {
    state = makeState(recovered, await snapshots.recover(recovered.log.installed), directory);
  } catch (error) {
    await recovered.active.file.close();
    throw error;
  }
  if (recovered.tornTail !== undefined) options.onTornTail?.(recovered.tornTail);
  const parts = { fileSystem, directory, identity, segmentBytes };
  const log = new SegmentedLog(parts, recovered.closed, recovered.active, recovered.nextSequence);
  return new FileLogStore({ state, log, snapshots, unlock });
}

/**
 * Puts the log and the newest snapshot together and checks that they fit.
 *
 * The configuration is the snapshot's; later changes are found again as the core applies the log behind it. That is
 * safe although the commit index on disk may lag, as an entry and the commit index that its sender knew are in one
 * frame: whoever has a second change in its log also knows on disk that the first one is committed, and the core
 * does not campaign before it applied that.
 */
function makeState(recovered: RecoveredSegments, newest: SnapshotMeta | undefined, directory: string): LogState {
  const { log, active } = recovered;
  const file = segmentPath(directory, active.number);
  const snapshot = newest ?? log.founding ?? EMPTY_META;
  if (snapshot.index < log.base.index) throw snapshotMissing(log.base, directory);
  if (snapshot.index > log.lastIndex) {
    throw logDamaged(
      file,
      active.endOffset,
      `the log ends at ${log.lastIndex}, before the snapshot at ${snapshot.index}`,
    );
  }
  const term =
    snapshot.index === log.base.index ? log.base.term : log.entries[snapshot.index - log.base.index - 1]?.term;
  if (term !== snapshot.term) {
    throw logDamaged(
      file,
      active.endOffset,
      `entry ${snapshot.index} has term ${term}, its snapshot has ${snapshot.term}`,
    );
  }
  if (log.hardState.commit > log.lastIndex) {
    throw logDamaged(
      file,
      active.endOffset,
      `the log ends at ${log.lastIndex}, but ${log.hardState.commit} is committed`,
    );
  }
  const hardState = { ...log.hardState, commit: Math.max(log.hardState.commit, snapshot.index) };
  return { hardState, base: log.base, entries: log.entries, snapshot, snapshotStored: newest !== undefined };
}

/** The numbers of the segments that are there, in order. What was in the making at a crash is removed. */
async function tidySegments(fileSystem: FileSystem, directory: string): Promise<number[]> {
  const names = await onDisk('list', directory, fileSystem.list(directory));
  const numbers: number[] = [];
  for (const name of names) {
    const number = segmentNumber(name);
    if (number !== undefined) numbers.push(number);
    if (!/^log-\d+\.tmp$/.test(name)) continue;
    const file = path.join(directory, name);
    await onDisk('delete', file, fileSystem.remove(file));
  }
  if (numbers.length === 0 && names.some((name) => name.endsWith('.snap')))
    throw missingSegment(segmentPath(directory, 1));
  return numbers.sort((a, b) => a - b);
}

/** The first segment gets its name only once its first frame is in it: a crash leaves an empty directory or all of it. */
async function found(fileSystem: FileSystem, segmentBytes: number, options: LogStoreOptions): Promise<void> {
  const { directory, identity } = options;
  const { hardState, meta } = foundingState(options.bootstrap);
  const blank = await makeBlank(fileSystem, directory, 1, segmentBytes);
  const writer = new ByteWriter();
  beginFrame(writer);
  writeFramePayload(writer, { hardState, meta, entries: [] });
  try {
    await writeFully(
      blank.file,
      endFrame(writer, 'founding', 1, segmentSalt({ identity, number: 1 })),
      SEGMENT_HEADER_BYTES,
    );
    const header = {
      identity,
      number: 1,
      firstSequence: 1,
      hardState,
      previousIndex: 0,
      previousTerm: 0,
      sizeBytes: segmentBytes,
    };
    await nameBlank(fileSystem, directory, blank, header, writer);
    await blank.file.close();
  } catch (cause) {
    await removeQuietly(fileSystem, blank.file, blank.path);
    throw diskError('create', segmentPath(directory, 1), cause);
  }
}

async function makeDirectory(fileSystem: FileSystem, directory: string): Promise<void> {
  try {
    await fileSystem.makeDirectory(directory);
    await fileSystem.syncDirectory(path.dirname(directory));
  } catch (cause) {
    throw diskError('create', directory, cause);
  }
}
