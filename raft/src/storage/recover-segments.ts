import { type FileSystem, type OpenFile, readFully } from './file-system.ts';
import { LogBuilder } from './log-builder.ts';
import { type ScanResult, scanSegment } from './scan-segment.ts';
import { segmentPath, writeZeros } from './segment-file.ts';
import {
  decodeSegmentHeader,
  LOG_FORMAT_VERSION,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  type StoreIdentity,
  segmentSalt,
} from './segment-format.ts';
import type { ActiveSegment, ClosedSegment } from './segmented-log.ts';
import { logDamaged, onDisk, StorageError } from './storage-error.ts';

/** A file that claims to be larger than this is damaged, whatever its header says. */
const SEGMENT_BYTES_MAX = 1024 * 1024 * 1024;

/** An unfinished write at the log's end that was cut: nobody was told that it is durable. */
export interface TornTail {
  readonly file: string;
  readonly offset: number;
}

export interface RecoveredSegments {
  readonly log: LogBuilder;
  readonly closed: readonly ClosedSegment[];
  readonly active: ActiveSegment;
  readonly nextSequence: number;
  readonly tornTail: TornTail | undefined;
}

interface Cut extends TornTail {
  readonly sizeBytes: number;
}

interface Progress {
  readonly log: LogBuilder;
  readonly scans: { readonly header: SegmentHeader; readonly scan: ScanResult; readonly indexMax: number }[];
  /** Unfinished writes; fine only if no frame was written behind them. Two if a crash hit the seal, too. */
  readonly cuts: Cut[];
}

/** Reads the segments with these numbers, in order, and cuts a torn tail. Throws `StorageError` on anything odd. */
export async function recoverSegments(
  fileSystem: FileSystem,
  directory: string,
  identity: StoreIdentity,
  numbers: readonly number[],
): Promise<RecoveredSegments> {
  const progress: Progress = { log: new LogBuilder(), scans: [], cuts: [] };
  for (const number of numbers) {
    const path = segmentPath(directory, number);
    await withFile(fileSystem, path, (file) => recoverSegment(file, path, identity, number, progress));
  }
  const last = progress.scans.at(-1);
  if (last === undefined) throw new Error('There are no segments to recover');
  if (last.scan.sealed) throw missingSegment(segmentPath(directory, last.header.number + 1));
  // Only now, with all of the log read and found good, anything is changed.
  for (const one of progress.cuts) await withFile(fileSystem, one.file, (file) => cut(file, one));
  const tail = progress.cuts.at(-1);
  const { number, sizeBytes } = last.header;
  const path = segmentPath(directory, number);
  const file = await onDisk('open', path, fileSystem.open(path, 'update'));
  return {
    log: progress.log,
    closed: progress.scans.slice(0, -1).map(({ header, indexMax }) => ({ number: header.number, indexMax })),
    active: { number, sizeBytes, file, endOffset: last.scan.endOffset, indexMax: last.indexMax },
    nextSequence: last.scan.nextSequence,
    tornTail: tail === undefined ? undefined : { file: tail.file, offset: tail.offset },
  };
}

async function withFile(fileSystem: FileSystem, path: string, work: (file: OpenFile) => Promise<void>): Promise<void> {
  const file = await onDisk('open', path, fileSystem.open(path, 'update'));
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

async function recoverSegment(
  file: OpenFile,
  path: string,
  identity: StoreIdentity,
  number: number,
  progress: Progress,
): Promise<void> {
  const { log } = progress;
  const header = await readHeader(file, path, identity, number);
  const previous = progress.scans.at(-1);
  if (previous === undefined) {
    if (number > 1) log.beginAt(header);
  } else {
    assertFollows(path, header, previous.header.number, previous.scan, log);
  }
  const { segment, fileBytes } = await readWhole(file, path, header.sizeBytes);
  let indexMax = 0;
  const scan = scanSegment({
    file: path,
    segment,
    salt: segmentSalt(header),
    firstSequence: header.firstSequence,
    onFrame: (kind, payload, offset) => {
      const bad = progress.cuts[0];
      if (bad !== undefined) throw logDamaged(bad.file, bad.offset, 'a frame is bad, but the next segment goes on');
      log.add(kind, payload, path, offset);
      indexMax = Math.max(indexMax, payload.meta?.index ?? 0, payload.entries.at(-1)?.index ?? 0);
    },
  });
  if (scan.torn || fileBytes < header.sizeBytes) {
    progress.cuts.push({ file: path, offset: scan.endOffset, sizeBytes: header.sizeBytes });
  }
  progress.scans.push({ header, scan, indexMax });
}

async function readHeader(
  file: OpenFile,
  path: string,
  identity: StoreIdentity,
  number: number,
): Promise<SegmentHeader> {
  const block = new Uint8Array(SEGMENT_HEADER_BYTES);
  const count = await onDisk('read', path, readFully(file, block, 0));
  const header = decodeSegmentHeader(block.subarray(0, count));
  if ('problem' in header) {
    if (header.problem === 'damaged') throw logDamaged(path, 0, 'header is bad');
    const message =
      `Log file "${path}" has format version ${header.version}, this program knows ${LOG_FORMAT_VERSION}. ` +
      'Start the version of the program that wrote it, or a newer one';
    throw new StorageError('CELL_E_UNSUPPORTED_FORMAT', message, { file: path });
  }
  assertIdentity(path, header.identity, identity);
  if (header.number !== number) throw logDamaged(path, 0, `it is segment ${header.number} under the name of ${number}`);
  if (header.sizeBytes > SEGMENT_BYTES_MAX) throw logDamaged(path, 0, `its size is given as ${header.sizeBytes}`);
  return header;
}

function assertIdentity(path: string, found: StoreIdentity, expected: StoreIdentity): void {
  if (found.clusterId === expected.clusterId && found.nodeId === expected.nodeId) return;
  const message =
    `Log file "${path}" belongs to member ${found.nodeId} of cluster "${found.clusterId}", but this is member ` +
    `${expected.nodeId} of cluster "${expected.clusterId}". Point this member at its own data directory, or at an empty one`;
  throw new StorageError('CELL_E_FOREIGN_DATA', message, { file: path });
}

function assertFollows(
  path: string,
  header: SegmentHeader,
  previousNumber: number,
  scan: ScanResult,
  log: LogBuilder,
): void {
  if (header.number !== previousNumber + 1) {
    throw missingSegment(segmentPath(path.slice(0, path.lastIndexOf('/')), previousNumber + 1));
  }
  // A segment is begun first and sealed afterwards; a crash in between leaves the seal's number unused.
  const expected = scan.nextSequence + (scan.sealed ? 0 : 1);
  if (header.firstSequence !== expected) {
    throw logDamaged(path, 0, `it begins with frame ${header.firstSequence}, but frame ${expected} is due`);
  }
  if (header.previousIndex !== log.lastIndex || header.previousTerm !== log.lastTerm) {
    throw logDamaged(path, 0, `it follows entry ${header.previousIndex}, but the log ends at ${log.lastIndex}`);
  }
}

export function missingSegment(path: string): StorageError {
  const message =
    `Log file "${path}" is missing. Put it back. If that can't be done: put the data directory away, and replace this ` +
    'member ("cellctl control-plane add", then "remove"), or restore a backup';
  return new StorageError('CELL_E_LOG_DAMAGED', message, { file: path, offset: 0 });
}

async function readWhole(
  file: OpenFile,
  path: string,
  sizeBytes: number,
): Promise<{ segment: Uint8Array; fileBytes: number }> {
  const segment = new Uint8Array(sizeBytes);
  const fileBytes = await onDisk('read', path, readFully(file, segment, 0));
  return { segment, fileBytes };
}

/** Also gives a file that lost its end its full length back. */
async function cut(file: OpenFile, tail: Cut): Promise<void> {
  await onDisk('cut', tail.file, writeZeros(file, tail.offset, tail.sizeBytes));
  await onDisk('cut', tail.file, file.datasync());
}
