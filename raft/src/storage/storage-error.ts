export type StorageErrorCode =
  /** The log can't be what was written. Never served; the member must be replaced or restored. */
  | 'CELL_E_LOG_DAMAGED'
  | 'CELL_E_SNAPSHOT_DAMAGED'
  /** The log begins after a snapshot that isn't there. */
  | 'CELL_E_SNAPSHOT_MISSING'
  /** The directory belongs to another cluster or to another member. */
  | 'CELL_E_FOREIGN_DATA'
  /** Written by a version of the format that this program does not know. */
  | 'CELL_E_UNSUPPORTED_FORMAT'
  | 'CELL_E_DIRECTORY_IN_USE'
  /** There is no room. Nothing has changed, and the same may be tried again when there is. */
  | 'CELL_E_DISK_FULL'
  /** A read, a write or a sync failed. It is never tried again: the process must stop. */
  | 'CELL_E_DISK_FAILED'
  /** A call after a failure. `cause` is that failure. */
  | 'CELL_E_STORE_FAILED'
  | 'CELL_E_STORE_CLOSED'
  | 'CELL_E_BATCH_TOO_LARGE';

export interface StorageErrorDetails {
  readonly file?: string;
  /** Byte in `file`. */
  readonly offset?: number;
  readonly cause?: unknown;
}

/** The one error class of the storage. Messages say what failed, where, and what to do next. */
export class StorageError extends Error {
  readonly code: StorageErrorCode;
  readonly file: string | undefined;
  readonly offset: number | undefined;
  constructor(code: StorageErrorCode, message: string, details: StorageErrorDetails = {}) {
    super(message, details.cause === undefined ? {} : { cause: details.cause });
    this.name = 'StorageError';
    this.code = code;
    this.file = details.file;
    this.offset = details.offset;
  }
}

const REPLACE =
  'Do not edit it: put the data directory away, and replace this member by one with a new id ' +
  '("cellctl control-plane add", then "remove"), or restore a backup';

export function logDamaged(file: string, offset: number, what: string): StorageError {
  const message = `Log file "${file}" is damaged at byte ${offset}: ${what}. ${REPLACE}`;
  return new StorageError('CELL_E_LOG_DAMAGED', message, { file, offset });
}

export function snapshotDamaged(file: string, offset: number, what: string): StorageError {
  const message = `Snapshot file "${file}" is damaged at byte ${offset}: ${what}. ${REPLACE}`;
  return new StorageError('CELL_E_SNAPSHOT_DAMAGED', message, { file, offset });
}

/** Turns what the file system threw into a coded error. */
export function diskError(action: string, file: string, cause: unknown): StorageError {
  if (cause instanceof StorageError) return cause;
  const code = (cause as { code?: unknown } | null)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const message = `Disk is full: could not ${action} "${file}". Make room on it: nothing acknowledged is lost`;
    return new StorageError('CELL_E_DISK_FULL', message, { file, cause });
  }
  return diskFailed(action, file, cause);
}

/** What failed in a way after which it is not known what is on the disk: also for want of room, if it was a sync. */
export function diskFailed(action: string, file: string, cause: unknown): StorageError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `Could not ${action} "${file}": ${reason}. Check the disk and the rights on the directory, then start again`;
  return new StorageError('CELL_E_DISK_FAILED', message, { file, cause });
}

/** True if it can be tried again when there is room. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'CELL_E_DISK_FULL';
}

/** Waits for a call of the file system and codes its failure. */
export async function onDisk<T>(action: string, file: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    throw diskError(action, file, cause);
  }
}

export function snapshotMissing(meta: { readonly index: number; readonly term: number }, directory = ''): StorageError {
  const place = directory === '' ? '' : ` in "${directory}"`;
  const message =
    `Snapshot at index ${meta.index} of term ${meta.term} is missing${place}. Put its file back. If that can't be done: ` +
    'put the data directory away, and replace this member ("cellctl control-plane add", then "remove")';
  return new StorageError('CELL_E_SNAPSHOT_MISSING', message, directory === '' ? {} : { file: directory });
}
