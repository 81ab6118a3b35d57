export { lockDirectory } from './directory-lock.ts';
export type { FileSystem, OpenFile, OpenMode } from './file-system.ts';
export { MemoryLogStore } from './memory-log-store.ts';
export { nodeFileSystem } from './node-file-system.ts';
export { type LogStoreOptions, openLogStore, SEGMENT_BYTES_DEFAULT } from './open-log-store.ts';
export type { TornTail } from './recover-segments.ts';
export type { StoreIdentity } from './segment-format.ts';
export { StorageError, type StorageErrorCode } from './storage-error.ts';
