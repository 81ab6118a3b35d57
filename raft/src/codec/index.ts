export { ByteReader } from './byte-reader.ts';
export { ByteWriter } from './byte-writer.ts';
export { CodecError, type CodecErrorCode } from './codec-error.ts';
export { readEntries, writeEntries } from './entry-codec.ts';
export { decodeMessages, encodeMessages, MESSAGE_FORMAT_VERSION } from './message-batch.ts';
export { readHardState, readSnapshotMeta, writeHardState, writeSnapshotMeta } from './state-codec.ts';
