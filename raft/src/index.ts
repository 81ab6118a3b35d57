/** The consensus library: a pure core, its durable storage, the wire format of its messages, and the driver. */
export {
  CodecError,
  type CodecErrorCode,
  decodeMessages,
  encodeMessages,
  MESSAGE_FORMAT_VERSION,
} from './codec/index.ts';
export {
  type ConfChange,
  type ConfChangeSingle,
  type ConfChangeTransition,
  type ConfChangeType,
  type ConfState,
  CoreError,
  type CoreErrorCode,
  decodeConfChange,
  type Entry,
  type EntryType,
  type HardState,
  LogError,
  type Message,
  type MessageType,
  type NodeId,
  type Role,
  type Snapshot,
  type SnapshotMeta,
  type SoftState,
  type TraceEvent,
} from './core/index.ts';
export * from './driver/index.ts';
export {
  type FileSystem,
  type LogStoreOptions,
  MemoryLogStore,
  openLogStore,
  StorageError,
  type StorageErrorCode,
  type StoreIdentity,
  type TornTail,
} from './storage/index.ts';
