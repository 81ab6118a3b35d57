import type { Message } from '../core/types.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { CodecError } from './codec-error.ts';
import { MESSAGE_BYTES_MIN, readMessage, writeMessage } from './message-codec.ts';

/** First byte of every batch. A change that an older reader can't understand takes the next number. */
export const MESSAGE_FORMAT_VERSION = 1;

/** Messages in one batch. */
export const BATCH_MESSAGES_MAX = 65_536;

/** Bytes of one batch that a reader accepts. */
export const BATCH_BYTES_MAX = 256 * 1024 * 1024;

const scratch = new ByteWriter();

/** One frame of the stream between two members: version, count, messages. The result is a buffer of its own. */
export function encodeMessages(messages: readonly Message[]): Uint8Array<ArrayBuffer> {
  if (messages.length > BATCH_MESSAGES_MAX) {
    throw new CodecError(
      'too-large',
      `Batch of ${messages.length} messages is above the limit of ${BATCH_MESSAGES_MAX}`,
    );
  }
  scratch.reset();
  scratch.byte(MESSAGE_FORMAT_VERSION);
  scratch.varint(messages.length);
  for (const message of messages) writeMessage(scratch, message);
  return scratch.copy();
}

/** Messages hold views on `bytes`: it must not be written to afterwards. Throws `CodecError` on anything odd. */
export function decodeMessages(bytes: Uint8Array): Message[] {
  if (bytes.length > BATCH_BYTES_MAX) {
    throw new CodecError('too-large', `Batch of ${bytes.length} bytes is above the limit of ${BATCH_BYTES_MAX}`);
  }
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version !== MESSAGE_FORMAT_VERSION) {
    throw reader.error('unsupported-version', `Messages have format version ${version}, known is 1`);
  }
  const count = reader.count(BATCH_MESSAGES_MAX, MESSAGE_BYTES_MIN);
  const messages: Message[] = [];
  for (let i = 0; i < count; i += 1) messages.push(readMessage(reader));
  reader.finish();
  return messages;
}
