/**
 * What the store needs from a file system: little, so that tests can put a failing or a remembering one in its
 * place. Errors are the file system's own (`code` as Node gives it); the store turns them into `StorageError`.
 */
export interface OpenFile {
  /** Returns how many bytes were written, at least 1 and maybe fewer than given. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Returns how many bytes were read; 0 only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Data, and the file size if it changed, are on the disk afterwards (fdatasync). */
  datasync(): Promise<void>;
  size(): Promise<number>;
  /** Cuts the file off there. */
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

/** read: must exist; update: must exist, for reading and writing; create: must not exist. */
export type OpenMode = 'read' | 'update' | 'create';

export interface FileSystem {
  open(path: string, mode: OpenMode): Promise<OpenFile>;
  /** Makes the directory in one that is there; an existing one is fine. */
  makeDirectory(path: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Names that were created, renamed or removed in the directory are on the disk afterwards. */
  syncDirectory(path: string): Promise<void>;
  /** What may still be written there, as far as that is known. */
  freeBytes(path: string): Promise<number>;
}

/** Writes all of `bytes`, however short the single writes are. */
export async function writeFully(file: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  let written = await file.write(bytes, position);
  while (written < bytes.length) {
    const more = await file.write(bytes.subarray(written), position + written);
    if (more === 0) throw new Error('Disk took no more bytes');
    written += more;
  }
}

/** Reads until `into` is full or the file ends; returns how many bytes were read. */
export async function readFully(file: OpenFile, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const count = await file.read(into.subarray(done), position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}
