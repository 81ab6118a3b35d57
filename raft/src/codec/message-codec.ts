import type { Entry, Message, MessageType, Snapshot } from '../core/types.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { CodecError } from './codec-error.ts';
import { readEntries, writeEntries } from './entry-codec.ts';
import { readSnapshotMeta, writeSnapshotMeta } from './state-codec.ts';

/** Bytes of a message's context (an id of a read, the mark of a campaign). */
export const CONTEXT_BYTES_MAX = 4096;

/** Bytes of the token that stands for a snapshot's data; the data itself never is in a message. */
export const SNAPSHOT_TOKEN_BYTES_MAX = 64 * 1024;

/**
 * The messages that travel between members, with their number on the wire. Numbers are never used again for
 * another type. Types that are missing here stay inside one process.
 */
const CODES: Partial<Record<MessageType, number>> = {
  propose: 1,
  append: 2,
  'append-response': 3,
  vote: 4,
  'vote-response': 5,
  snapshot: 6,
  heartbeat: 7,
  'heartbeat-response': 8,
  'transfer-leader': 9,
  'timeout-now': 10,
  'read-index': 11,
  'read-index-response': 12,
  'pre-vote': 13,
  'pre-vote-response': 14,
  'append-received': 15,
};

const TYPES: readonly (MessageType | undefined)[] = makeTypes();

const HAS_REJECT = 0x01;
const HAS_ENTRIES = 0x02;
const HAS_SNAPSHOT = 0x04;
const HAS_CONTEXT = 0x08;
const HAS_POSITION = 0x10;
const HAS_COMMIT = 0x20;
const HAS_REJECT_HINT = 0x40;
const HAS_VOTE = 0x80;

/** Type, flags, to, from, term: one byte each at least. */
export const MESSAGE_BYTES_MIN = 5;

const NO_BYTES = new Uint8Array(0);
const NO_ENTRIES: readonly Entry[] = [];
const NO_MESSAGES: readonly Message[] = [];

/** Layout: type, flags, to, from, term, and then only the fields that differ from their defaults, as flagged. */
export function writeMessage(writer: ByteWriter, message: Message): void {
  const code = CODES[message.type];
  if (code === undefined || message.responses.length > 0) {
    throw new CodecError('local-message', `Message of type "${message.type}" must not leave its process`);
  }
  const flags = flagsOf(message);
  writer.byte(code);
  writer.byte(flags);
  writer.varint(message.to);
  writer.varint(message.from);
  writer.varint(message.term);
  if (flags & HAS_POSITION) {
    writer.varint(message.logTerm);
    writer.varint(message.index);
  }
  if (flags & HAS_COMMIT) writer.varint(message.commit);
  if (flags & HAS_VOTE) writer.varint(message.vote);
  if (flags & HAS_REJECT_HINT) writer.varint(message.rejectHint);
  if (flags & HAS_CONTEXT) writer.bytes(message.context);
  if (message.snapshot !== undefined) writeSnapshot(writer, message.snapshot);
  if (flags & HAS_ENTRIES) writeEntries(writer, message.entries);
}

export function readMessage(reader: ByteReader): Message {
  const code = reader.byte();
  const type = TYPES[code];
  if (type === undefined) throw reader.error('malformed', `Unknown message type: ${code}`);
  const flags = reader.byte();
  const to = reader.varint();
  const from = reader.varint();
  const term = reader.varint();
  const positioned = (flags & HAS_POSITION) !== 0;
  return {
    type,
    to,
    from,
    term,
    logTerm: positioned ? reader.varint() : 0,
    index: positioned ? reader.varint() : 0,
    commit: flags & HAS_COMMIT ? reader.varint() : 0,
    vote: flags & HAS_VOTE ? reader.varint() : 0,
    reject: (flags & HAS_REJECT) !== 0,
    rejectHint: flags & HAS_REJECT_HINT ? reader.varint() : 0,
    context: flags & HAS_CONTEXT ? reader.bytes(CONTEXT_BYTES_MAX) : NO_BYTES,
    snapshot: flags & HAS_SNAPSHOT ? readSnapshot(reader) : undefined,
    entries: flags & HAS_ENTRIES ? readEntries(reader) : NO_ENTRIES,
    responses: NO_MESSAGES,
  };
}

function flagsOf(message: Message): number {
  let flags = 0;
  if (message.reject) flags |= HAS_REJECT;
  if (message.entries.length > 0) flags |= HAS_ENTRIES;
  if (message.snapshot !== undefined) flags |= HAS_SNAPSHOT;
  if (message.context.length > 0) flags |= HAS_CONTEXT;
  if (message.logTerm !== 0 || message.index !== 0) flags |= HAS_POSITION;
  if (message.commit !== 0) flags |= HAS_COMMIT;
  if (message.rejectHint !== 0) flags |= HAS_REJECT_HINT;
  if (message.vote !== 0) flags |= HAS_VOTE;
  return flags;
}

function writeSnapshot(writer: ByteWriter, snapshot: Snapshot): void {
  writeSnapshotMeta(writer, snapshot.meta);
  writer.bytes(snapshot.data);
}

function readSnapshot(reader: ByteReader): Snapshot {
  return { meta: readSnapshotMeta(reader), data: reader.bytes(SNAPSHOT_TOKEN_BYTES_MAX) };
}

function makeTypes(): (MessageType | undefined)[] {
  const types: (MessageType | undefined)[] = [];
  for (const [type, code] of Object.entries(CODES)) types[code] = type as MessageType;
  return types;
}
