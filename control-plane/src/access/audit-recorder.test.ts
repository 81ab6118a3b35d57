import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { FakeClock, settle } from '../execute/testing/fake-clock.ts';
import { MemoryConsensus } from '../execute/testing/memory-consensus.ts';
import type { NoteAudit } from '../state/commands.ts';
import { exampleNote } from '../state/testing/identity-arbitraries.ts';
import { AuditRecorder, NOBODY_KINDS_MAX, PROVEN_KINDS_MAX, REFUSALS } from './audit-recorder.ts';

let clock: FakeClock;
let consensus: MemoryConsensus;
let recorder: AuditRecorder;
let lines: { msg: string; audit?: boolean; count?: number }[];

beforeEach(() => {
  clock = new FakeClock();
  consensus = new MemoryConsensus();
  lines = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  recorder = new AuditRecorder({ clock, log });
  recorder.follow(consensus);
});

/** Outcomes and counts that were written, a line for each command. */
function written(): string[] {
  const commands = consensus.commands.filter((command): command is NoteAudit => command.kind === 'note-audit');
  return commands.map(({ notes }) =>
    notes.map(({ subject, outcome, count }) => `${subject} ${outcome} ${count}`).join('; '),
  );
}

function nobody(subject: string) {
  return exampleNote({ actor: 'nobody', subject });
}

test('notes of a second are one command, and the same ones are counted', async () => {
  for (const subject of ['job/a', 'job/b', 'job/a']) recorder.add(exampleNote({ subject }), 'CELL_E_FORBIDDEN');
  recorder.add(exampleNote({ subject: 'job/a' }), 'ok');
  await clock.advance(999);
  expect(written()).toEqual([]);
  await clock.advance(1);
  expect(written()).toEqual(['job/a CELL_E_FORBIDDEN 2; job/b CELL_E_FORBIDDEN 1; job/a ok 1']);
  await clock.advance(60_000);
  expect(written()).toHaveLength(1);
  expect(clock.timers).toBe(0);
});

test('each call that did something has a line at once; refused ones have one for each kind, and one for the rest', async () => {
  for (let calls = 0; calls < 3; calls += 1) recorder.add(exampleNote(), 'ok');
  for (let calls = 0; calls < 5; calls += 1) recorder.add(exampleNote(), 'CELL_E_FORBIDDEN');
  expect(lines.map(({ count }) => count)).toEqual([1, 1, 1, 1]);
  await clock.advance(1_000);
  expect(lines.map(({ count }) => count)).toEqual([1, 1, 1, 1, 4]);
  expect(lines.every(({ audit }) => audit === true)).toBe(true);
  expect(lines.at(-1)?.msg).toBe(
    'token/ann (t1) from 10.0.0.7: JobService/SubmitJob on "job/web": CELL_E_FORBIDDEN, 4 times',
  );
});

test('what could not be written is tried again, with what came since, and is lost in no case', async () => {
  consensus.failure = () => new CellError('CELL_E_NO_LEADER', 'There is no leader');
  recorder.add(exampleNote({ subject: 'job/a' }), 'ok');
  await clock.advance(5_000);
  recorder.add(exampleNote({ subject: 'job/a' }), 'ok');
  recorder.add(exampleNote({ subject: 'job/b' }), 'CELL_E_FORBIDDEN');
  await clock.advance(5_000);
  expect(written()).toEqual([]);
  consensus.failure = () => undefined;
  await clock.advance(1_000);
  expect(written()).toEqual(['job/a ok 2; job/b CELL_E_FORBIDDEN 1']);
  await clock.advance(10_000);
  expect(written()).toHaveLength(1);
});

test('what waits too long is given up, counted, and in the own log', async () => {
  consensus.failure = () => new CellError('CELL_E_NO_LEADER', 'There is no leader');
  recorder.add(exampleNote(), 'ok');
  await clock.advance(599_000);
  expect([recorder.waiting, recorder.dropped]).toEqual([1, 0]);
  await clock.advance(2_000);
  expect([recorder.waiting, recorder.dropped]).toEqual([0, 1]);
  expect(lines.at(-1)?.msg).toMatch(/1 calls are in this log, and not in the audit log/);
});

test('when the member stops, what waits is in its own log', () => {
  for (let calls = 0; calls < 3; calls += 1) recorder.add(exampleNote(), 'CELL_E_FORBIDDEN');
  recorder.stop();
  expect(recorder.dropped).toBe(3);
  expect(lines.filter(({ audit }) => audit).map(({ count }) => count)).toEqual([1, 2]);
  expect(clock.timers).toBe(0);
});

test('before the member is in a cluster, notes wait for it', async () => {
  const early = new AuditRecorder({ clock, log: pino({ level: 'silent' }) });
  early.add(exampleNote(), 'ok');
  await clock.advance(10_000);
  early.follow(consensus);
  await clock.advance(1_000);
  expect(written()).toEqual(['job/web ok 1']);
});

test('nobody can fill memory, command or log with kinds of refusals; what is more is counted', async () => {
  for (let kind = 0; kind < NOBODY_KINDS_MAX + 50; kind += 1)
    recorder.add(nobody(`job/${kind}`), 'CELL_E_UNAUTHENTICATED');
  for (let kind = 0; kind < 5; kind += 1) recorder.add(exampleNote({ subject: `job/${kind}` }), 'ok');
  expect(recorder.waiting).toBe(NOBODY_KINDS_MAX + 1 + 5);
  expect(lines).toHaveLength(NOBODY_KINDS_MAX + 1 + 5);
  await clock.advance(1_000);
  const [command] = written();
  expect(command).toContain('job/4 ok 1');
  expect(command!.split('; ')).toHaveLength(REFUSALS.burst + 5);
  await clock.advance(60_000);
  expect(written().slice(1)).toEqual([' CELL_E_UNAUTHENTICATED 50']);
});

test('kinds of callers that are proven are bounded too', () => {
  for (let kind = 0; kind < PROVEN_KINDS_MAX + 7; kind += 1)
    recorder.add(exampleNote({ subject: `job/${kind}` }), 'ok');
  expect(recorder.waiting).toBe(PROVEN_KINDS_MAX + 1);
});

test('who is refused for hours can not push out of the audit log what is in it', async () => {
  for (let seconds = 0; seconds < 3_600; seconds += 1) {
    recorder.add(nobody('job/web'), 'CELL_E_UNAUTHENTICATED');
    recorder.add(exampleNote({ actor: 'token/eve (t9)' }), 'CELL_E_FORBIDDEN');
    if (seconds % 600 === 0) recorder.add(exampleNote({ subject: 'job/good' }), 'ok');
    await clock.advance(1_000);
  }
  const notes = consensus.commands.flatMap((command) => (command.kind === 'note-audit' ? command.notes : []));
  const entries = (actor: string) => notes.filter((note) => note.actor === actor).length;
  expect(entries('nobody')).toBeLessThanOrEqual(REFUSALS.burst + 60);
  expect(entries('token/eve (t9)')).toBeLessThanOrEqual(REFUSALS.burst + 60);
  expect(entries('token/ann (t1)')).toBe(6);
  const counted = notes.filter(({ actor }) => actor === 'nobody').reduce((sum, { count }) => sum + count, 0);
  expect(counted).toBeGreaterThan(3_600 - 120);
});

test('who has to know that it is written waits for it, and not for ever', async () => {
  let release: () => void = () => {};
  consensus.hold = new Promise((resolve) => {
    release = resolve;
  });
  recorder.add(exampleNote({ subject: 'job/a' }), 'ok');
  await clock.advance(1_000);
  let done = false;
  const waiting = recorder.addNow(exampleNote({ subject: 'member/1' }), 'begun').then(() => {
    done = true;
  });
  await settle();
  expect(done).toBe(false);
  release();
  await waiting;
  expect(written()).toEqual(['job/a ok 1', 'member/1 begun 1']);
  consensus.hold = new Promise(() => {});
  const stuck = recorder.addNow(exampleNote({ subject: 'member/2' }), 'begun');
  await clock.advance(2_000);
  await stuck;
});

test('long subjects are cut', async () => {
  recorder.add(exampleNote({ subject: 'x'.repeat(5_000) }), 'ok');
  await clock.advance(1_000);
  expect(written()[0]!.length).toBeLessThan(300);
});

test('what changes nothing is written no more often than refusals, from however many addresses it is asked for', async () => {
  const issue = { method: 'IdentityService/IssueCertificate', subject: '' };
  for (let seconds = 0; seconds < 600; seconds += 1) {
    for (let each = 0; each < 20; each += 1) {
      recorder.add(exampleNote({ ...issue, from: `2001:db8::${each}` }), 'ok', true);
    }
    if (seconds % 100 === 0) recorder.add(exampleNote({ subject: `job/${seconds}` }), 'ok');
    await clock.advance(1_000);
  }
  const entries = written().flatMap((line) => line.split('; '));
  expect(entries.filter((entry) => entry.startsWith('job/'))).toHaveLength(6);
  expect(entries.length).toBeLessThanOrEqual(REFUSALS.burst + 10 + 6);
});
