export { ByteReader } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';
export { CodecError, type CodecErrorCode } from './codec-error.ts';
export { ENTRIES_MAX, ENTRY_DATA_BYTES_MAX, readEntries, writeEntries } from './entry-codec.ts';
export {
  BATCH_BYTES_MAX,
  BATCH_MESSAGES_MAX,
  decodeMessages,
  encodeMessages,
  MESSAGE_FORMAT_VERSION,
} from './message-batch.ts';
export {
  readConfState,
  readHardState,
  readSnapshotMeta,
  writeConfState,
  writeHardState,
  writeSnapshotMeta,
} from './state-codec.ts';
