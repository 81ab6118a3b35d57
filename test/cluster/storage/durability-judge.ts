import { decodeMessages, type Message } from '@cell/raft';
import { FrameReader, MessageReader } from './http2-frames.ts';
import type { SystemCall } from './system-calls.ts';

/** What was promised, and at which place of the trace. */
export interface Promised {
  readonly what: string;
  readonly at: number;
  /** Must be in the log and synced by then; undefined: something that was written since `since`. */
  readonly marker: Buffer | undefined;
  readonly since: number;
}

export interface Judgement {
  readonly promises: number;
  /** Sentences; none means that all was synced before it was promised. */
  readonly violations: readonly string[];
}

/** Holds each promise against the writes and syncs of log files. */
export function judge(calls: readonly SystemCall[], promises: readonly Promised[]): Judgement {
  const log = calls.filter(({ target }) => /\/log-\d+\.(wal|tmp)$/.test(target));
  const writes = log.filter(({ name }) => name.startsWith('pwrite') || name.startsWith('write'));
  const syncs = log.filter(({ name }) => name === 'fdatasync' || name === 'fsync');
  const durable = ({ marker, at, since }: Promised) =>
    writes.some(
      (write) =>
        write.startedAt >= since &&
        (marker === undefined || write.bytes.includes(marker)) &&
        syncs.some((sync) => sameFile(sync, write) && sync.startedAt >= write.endedAt && sync.endedAt <= at),
    );
  const broken = promises.filter((promised) => !durable(promised));
  return {
    promises: promises.length,
    violations: broken.map(({ what, at }) => `${what} at line ${at + 1}: not synced`),
  };
}

/** A segment changes its name between being preallocated and being used. */
function sameFile(one: SystemCall, other: SystemCall): boolean {
  return one.target.replace(/\.\w+$/, '') === other.target.replace(/\.\w+$/, '');
}

/** Answers to a client that has one call under way at a time: each call names one of the markers. */
export function clientAnswers(calls: readonly SystemCall[], port: number, markers: readonly string[]): Promised[] {
  const promises: Promised[] = [];
  const answers = new FrameReader();
  let waiting: { readonly marker: string; readonly since: number } | undefined;
  for (const call of calls) {
    if (!call.target.includes(`127.0.0.1:${port}->`)) continue;
    if (call.name === 'read') {
      const marker = markers.find((one) => call.bytes.includes(one));
      if (marker !== undefined) waiting = { marker, since: call.endedAt };
    } else {
      const answered = answers.push(call.bytes).some(({ type }) => type === 'headers');
      if (!answered || waiting === undefined) continue;
      const { marker, since } = waiting;
      promises.push({ what: `Answer for "${marker}"`, at: call.startedAt, marker: Buffer.from(marker), since });
      waiting = undefined;
    }
  }
  return promises;
}

/** What a follower promises its peers: entries up to an index, and votes. `port`: its own for peers. */
export function peerPromises(calls: readonly SystemCall[], port: number): Promised[] {
  const promises: Promised[] = [];
  const readers = new Map<string, MessageReader>();
  const entries = new Map<number, { readonly data: Buffer; readonly since: number }>();
  let promisedTo = 0;
  let votesAskedAt = 0;
  for (const call of calls) {
    if (!call.target.startsWith('TCP')) continue;
    for (const message of messagesOf(readers, call)) {
      if (call.name === 'read' && call.target.includes(`:${port}->`)) {
        for (const { index, data } of message.entries) {
          // A leader that has heard nothing yet sends an entry again: it may be written since it came first.
          if (data.length === 0 || entries.get(index)?.data.equals(data) === true) continue;
          entries.set(index, { data: Buffer.from(data), since: call.endedAt });
        }
        if (message.type === 'vote') votesAskedAt = call.endedAt;
      } else if (call.name.startsWith('write') && message.type === 'append-response' && !message.reject) {
        for (const [index, { data, since }] of entries) {
          if (index > message.index || index <= promisedTo) continue;
          promises.push({ what: `Acknowledgement of entry ${index}`, at: call.startedAt, marker: data, since });
        }
        promisedTo = Math.max(promisedTo, message.index);
      } else if (call.name.startsWith('write') && message.type === 'vote-response' && !message.reject) {
        const what = `Vote in term ${message.term}`;
        promises.push({ what, at: call.startedAt, marker: undefined, since: votesAskedAt });
      }
    }
  }
  return promises;
}

function messagesOf(readers: Map<string, MessageReader>, call: SystemCall): Message[] {
  const key = `${call.name === 'read' ? 'in' : 'out'} ${call.target}`;
  const reader = readers.get(key) ?? new MessageReader();
  readers.set(key, reader);
  return reader.push(call.bytes).flatMap((bytes) => framesOf(bytes));
}

/** The bytes of `ExchangeMessagesRequest`: field 1, its length as a varint, and a frame of Raft's messages. */
function framesOf(bytes: Buffer): readonly Message[] {
  if (bytes[0] !== 0x0a) return [];
  let at = 1;
  while (bytes[at]! >= 0x80) at += 1;
  try {
    return decodeMessages(bytes.subarray(at + 1));
  } catch {
    // A message of another call, which looks alike.
    return [];
  }
}
