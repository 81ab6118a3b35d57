import { encodeMessages, type Message } from '@cell/raft';
import { expect, test } from 'vitest';
import { clientAnswers, judge, peerPromises } from './durability-judge.ts';
import { parseTrace } from './system-calls.ts';

const CLIENT = '20<TCP:[127.0.0.1:7600->127.0.0.1:40000]>';
const LOG = '21</data/raft/log-00000001.wal>';

const hex = (bytes: Buffer) => [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

function frame(type: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[8] = 1;
  return Buffer.concat([header, payload]);
}

function io(thread: number, name: string, target: string, bytes: Buffer): string {
  return `${thread} ${name}(${target}, "${hex(bytes)}", ${bytes.length}) = ${bytes.length}`;
}

const request = io(1, 'read', CLIENT, frame(0, Buffer.from('...mark-1...')));
const logged = io(2, 'pwrite64', LOG, Buffer.from('FRAM mark-1'));
const synced = `3 fdatasync(${LOG}) = 0`;
const answer = io(1, 'write', CLIENT, frame(1, Buffer.from('headers')));

function verdict(...lines: string[]) {
  const calls = parseTrace(lines.join('\n'));
  return judge(calls, clientAnswers(calls, 7600, ['mark-1']));
}

test('an answer behind the sync of its entry is as it should be', () => {
  expect(verdict(request, logged, synced, answer)).toEqual({ promises: 1, violations: [] });
});

test('an answer without a sync, before it, or behind a sync that began too early is told', () => {
  const violation = { promises: 1, violations: [expect.stringContaining('Answer for "mark-1"')] };
  expect(verdict(request, logged, answer)).toEqual(violation);
  expect(verdict(request, logged, answer, synced)).toEqual(violation);
  expect(verdict(request, synced, logged, answer)).toEqual(violation);
  expect(verdict(request, synced, answer)).toEqual(violation);
  const begun = `3 fdatasync(${LOG} <unfinished ...>`;
  const ended = '3 <... fdatasync resumed>) = 0';
  expect(verdict(request, begun, logged, ended, answer)).toEqual(violation);
  expect(verdict(request, logged, begun, answer, ended)).toEqual(violation);
  expect(verdict(request, logged, begun, ended, answer).violations).toEqual([]);
});

test('a sync that failed, or that of another file, does not count', () => {
  expect(verdict(request, logged, `3 fdatasync(${LOG}) = -1 EIO (Input/output error)`, answer).violations).toHaveLength(
    1,
  );
  expect(verdict(request, logged, '3 fdatasync(22</data/raft/log-00000002.wal>) = 0', answer).violations).toHaveLength(
    1,
  );
});

test('what is no answer to a call is none: pings and windows', () => {
  const ping = io(1, 'write', CLIENT, frame(6, Buffer.alloc(8)));
  expect(verdict(request, ping, logged, synced, answer)).toEqual({ promises: 1, violations: [] });
});

function message(fields: Partial<Message>): Buffer {
  const nothing = new Uint8Array(0);
  const bytes = encodeMessages([
    {
      type: 'append',
      to: 2,
      from: 1,
      term: 3,
      logTerm: 2,
      index: 6,
      entries: [],
      commit: 5,
      vote: 0,
      snapshot: undefined,
      reject: false,
      rejectHint: 0,
      context: nothing,
      responses: [],
      ...fields,
    },
  ]);
  const body = Buffer.concat([Buffer.from([0x0a, bytes.length]), bytes]);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(body.length, 1);
  return frame(0, Buffer.concat([prefix, body]));
}

const FROM_LEADER = '30<TCP:[127.0.0.1:7601->127.0.0.1:50000]>';
const TO_LEADER = '31<TCP:[127.0.0.1:50001->127.0.0.1:7611]>';
const data = Buffer.from('entry-7');
const append = io(1, 'read', FROM_LEADER, message({ entries: [{ term: 3, index: 7, type: 'normal', data }] }));
const acknowledgement = io(1, 'writev', TO_LEADER, message({ type: 'append-response', from: 2, to: 1, index: 7 }));

function peerVerdict(...lines: string[]) {
  const calls = parseTrace(lines.join('\n'));
  return judge(calls, peerPromises(calls, 7601));
}

test('an acknowledgement to the leader is held against the entry that it speaks of', () => {
  const stored = io(2, 'pwrite64', LOG, Buffer.from('FRAM entry-7'));
  expect(peerVerdict(append, stored, synced, acknowledgement)).toEqual({ promises: 1, violations: [] });
  expect(peerVerdict(append, stored, append, synced, acknowledgement)).toEqual({ promises: 1, violations: [] });
  expect(peerVerdict(append, stored, acknowledgement, synced).violations).toHaveLength(1);
  expect(peerVerdict(append, append, stored, acknowledgement, synced).violations).toHaveLength(1);
  expect(peerVerdict(append, synced, acknowledgement).violations).toHaveLength(1);
  const lower = io(1, 'writev', TO_LEADER, message({ type: 'append-response', from: 2, to: 1, index: 6 }));
  expect(peerVerdict(append, lower)).toEqual({ promises: 0, violations: [] });
});

test('a vote is held against what was written since it was asked for', () => {
  const asked = io(1, 'read', FROM_LEADER, message({ type: 'vote' }));
  const given = io(1, 'write', TO_LEADER, message({ type: 'vote-response', from: 2, to: 1 }));
  expect(peerVerdict(logged, synced, asked, given).violations).toEqual([expect.stringContaining('Vote in term 3')]);
  expect(peerVerdict(asked, logged, synced, given)).toEqual({ promises: 1, violations: [] });
});
