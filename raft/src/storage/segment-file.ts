import path from 'node:path';
import type { ByteWriter } from '../codec/index.ts';
import { type FileSystem, type OpenFile, writeFully } from './file-system.ts';
import { encodeSegmentHeader, type SegmentHeader } from './segment-format.ts';
import { diskError, diskFailed } from './storage-error.ts';

const ZEROS = new Uint8Array(1024 * 1024);

const SEGMENT_NAME = /^log-(\d{8,15})\.wal$/;

export function segmentPath(directory: string, number: number): string {
  return path.join(directory, `log-${String(number).padStart(8, '0')}.wal`);
}

/** The number in a segment's file name; undefined for other files. */
export function segmentNumber(name: string): number | undefined {
  const match = SEGMENT_NAME.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** A file of zeros that becomes a segment by its header and its name. */
export interface Blank {
  readonly file: OpenFile;
  readonly path: string;
  readonly sizeBytes: number;
}

/** Writes real zeros: then blocks are allocated and initialised, and a later write there changes data only. */
export async function makeBlank(
  fileSystem: FileSystem,
  directory: string,
  number: number,
  sizeBytes: number,
): Promise<Blank> {
  const blankPath = path.join(directory, `log-${String(number).padStart(8, '0')}.tmp`);
  let file: OpenFile | undefined;
  try {
    // Asked before, so as not to take the last of it away from others for a moment, and in vain.
    if ((await fileSystem.freeBytes(directory)) < sizeBytes) throw noRoom(sizeBytes);
    file = await fileSystem.open(blankPath, 'create');
    await writeZeros(file, 0, sizeBytes);
    await file.datasync();
    return { file, path: blankPath, sizeBytes };
  } catch (cause) {
    await removeQuietly(fileSystem, file, blankPath);
    throw diskError('preallocate', blankPath, cause);
  }
}

/** Gives a blank its header and then its name: a segment with that name always has a good header. */
export async function nameBlank(
  fileSystem: FileSystem,
  directory: string,
  blank: Blank,
  header: SegmentHeader,
  writer: ByteWriter,
): Promise<string> {
  const final = segmentPath(directory, header.number);
  try {
    await writeFully(blank.file, encodeSegmentHeader(writer, header), 0);
    await blank.file.datasync();
    await fileSystem.rename(blank.path, final);
  } catch (cause) {
    await removeQuietly(fileSystem, blank.file, blank.path);
    throw diskError('create', final, cause);
  }
  try {
    await fileSystem.syncDirectory(directory);
    return final;
  } catch (cause) {
    // It is there under its name, or will not be after a crash: there is no way back.
    throw diskFailed('create', final, cause);
  }
}

function noRoom(bytes: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`ENOSPC: less than ${bytes} bytes are free`), { code: 'ENOSPC' });
}

export async function writeZeros(file: OpenFile, start: number, end: number): Promise<void> {
  for (let at = start; at < end; at += ZEROS.length) {
    await writeFully(file, ZEROS.subarray(0, Math.min(ZEROS.length, end - at)), at);
  }
}

/** After a failure: the failure counts, not what goes wrong while tidying up. */
export async function removeQuietly(
  fileSystem: FileSystem,
  file: OpenFile | undefined,
  filePath: string,
): Promise<void> {
  await file?.close().catch(() => undefined);
  await fileSystem.remove(filePath).catch(() => undefined);
}
