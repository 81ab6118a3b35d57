import { RaftError } from '@cell/raft';
import { expect, test } from 'vitest';
import { CellError, type CellErrorCode } from '../cell-error.ts';
import { realClock } from '../real-clock.ts';
import type { Command } from '../state/commands.ts';
import { LeadershipTracker } from './leadership-tracker.ts';
import { Submitter, type SubmitterParts } from './submitter.ts';

const command: Command = { kind: 'stop-job', timeMs: 1, name: 'web' };
const applied = { index: 7, result: Buffer.from('{"ok":true,"index":7}') };

/** This member is 1. Peers answer by `forward`, the member itself by `propose`; `story` is what was asked of whom. */
function submitter(answers: {
  forward?: (to: number) => Promise<typeof applied>;
  propose?: () => Promise<{ index: number; result: unknown }>;
  waitApplied?: () => Promise<void>;
  connected?: (to: number) => boolean;
}) {
  const story: string[] = [];
  const leadership = new LeadershipTracker();
  const parts: SubmitterParts = {
    leadership,
    clock: realClock,
    onOutcome: (outcome) => story.push(outcome),
    peers: {
      connected: answers.connected ?? (() => true),
      proposeCommand: (to) => {
        story.push(`forward to ${to}`);
        return (answers.forward ?? (() => Promise.resolve(applied)))(to);
      },
    },
    driver: {
      propose: () => {
        story.push('propose');
        return (answers.propose ?? (() => Promise.resolve({ index: 7, result: { ok: true, index: 7 } })))();
      },
      waitApplied: (index) => {
        story.push(`wait for ${index}`);
        return (answers.waitApplied ?? (() => Promise.resolve()))();
      },
    },
  };
  const lead = (leader: number, term = 1) =>
    leadership.update({ leader, role: leader === 1 ? 'leader' : 'follower' }, term);
  return { story, lead, submitter: new Submitter(parts) };
}

const failing = (code: CellErrorCode) => () => Promise.reject(new CellError(code, 'Failed'));

test('a follower forwards, and resolves only once the change is applied here', async () => {
  const { story, lead, submitter: one } = submitter({});
  lead(2);
  await expect(one.submit(command, 1000)).resolves.toEqual({ ok: true, index: 7 });
  expect(story).toEqual(['forward to 2', 'wait for 7', 'applied']);
});

test.each(['CELL_E_PEER_UNREACHABLE', 'CELL_E_INTERNAL', 'CELL_E_OUTCOME_UNKNOWN'] as const)(
  'after %s from the leader nobody knows, so the command is not sent again',
  async (code) => {
    const { story, lead, submitter: one } = submitter({ forward: failing(code) });
    lead(2);
    await expect(one.submit(command, 1000)).rejects.toMatchObject({ code: 'CELL_E_OUTCOME_UNKNOWN' });
    expect(story).toEqual(['forward to 2', 'CELL_E_OUTCOME_UNKNOWN']);
  },
);

test('one that is no leader any more has written nothing, so the next one is asked', async () => {
  const {
    story,
    lead,
    submitter: one,
  } = submitter({
    forward: (to) => {
      lead(3, 2);
      return to === 2 ? failing('CELL_E_NOT_LEADER')() : Promise.resolve(applied);
    },
  });
  lead(2);
  await expect(one.submit(command, 1000)).resolves.toEqual({ ok: true, index: 7 });
  expect(story).toEqual(['forward to 2', 'forward to 3', 'wait for 7', 'applied']);
});

test('without a leader nothing is sent, and a new one is used at once', async () => {
  const { story, lead, submitter: one } = submitter({});
  const outcome = one.submit(command, 5000);
  await Promise.resolve();
  expect(story).toEqual([]);
  lead(1);
  await outcome;
  expect(story).toEqual(['propose', 'applied']);
});

test('a leader that this member has no connection to is not sent anything', async () => {
  const { story, lead, submitter: one } = submitter({ connected: () => false });
  lead(2);
  await expect(one.submit(command, 100)).rejects.toMatchObject({ code: 'CELL_E_NO_LEADER' });
  expect(story).toEqual(['CELL_E_NO_LEADER']);
});

test.each([
  ['outcome-unknown', 'CELL_E_OUTCOME_UNKNOWN'],
  ['stopped', 'CELL_E_OUTCOME_UNKNOWN'],
  ['overloaded', 'CELL_E_OVERLOADED'],
] as const)('a proposal of our own that ends with "%s" is told as %s, and not made again', async (raft, code) => {
  const { story, lead, submitter: one } = submitter({ propose: () => Promise.reject(new RaftError(raft, 'Failed')) });
  lead(1);
  await expect(one.submit(command, 1000)).rejects.toMatchObject({ code });
  expect(story).toEqual(['propose', code]);
});

test('a proposal of our own that takes too long may still be committed', async () => {
  const { lead, submitter: one } = submitter({ propose: () => new Promise(() => {}) });
  lead(1);
  await expect(one.submit(command, 50)).rejects.toMatchObject({ code: 'CELL_E_OUTCOME_UNKNOWN' });
});

test('what is written but not yet applied here is told as written', async () => {
  const { lead, submitter: one } = submitter({ waitApplied: () => Promise.reject(new RaftError('timeout', 'Late')) });
  lead(2);
  await expect(one.submit(command, 1000)).rejects.toMatchObject({
    code: 'CELL_E_TIMEOUT',
    message: expect.stringContaining('was written at index 7'),
  });
});

test('changes that wait are bounded', async () => {
  const { lead, submitter: one } = submitter({ propose: () => new Promise(() => {}) });
  lead(1);
  for (let waiting = 0; waiting < 10_000; waiting += 1) void one.propose(command);
  await expect(one.propose(command)).rejects.toMatchObject({ code: 'CELL_E_OVERLOADED' });
});

test('what could not be read back out of the log never gets into it, whoever made it', async () => {
  const { story, lead, submitter: one } = submitter({});
  const command: Command = { kind: 'write-mark', timeMs: 1, drillId: 'drill', sequence: 2 ** 60 };
  for (const leader of [1, 2]) {
    lead(leader, leader);
    await expect(one.submit(command, 1000)).rejects.toMatchObject({ code: 'CELL_E_INVALID' });
    await expect(one.propose(command)).rejects.toMatchObject({ code: 'CELL_E_INVALID' });
    await expect(one.proposeBytes(Buffer.from('{"v":1}'))).rejects.toMatchObject({ code: 'CELL_E_INVALID' });
  }
  expect(story.filter((step) => step !== 'CELL_E_INVALID')).toEqual([]);
});
