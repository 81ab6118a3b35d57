import { RaftError } from '@cell/raft';
import { expect, test } from 'vitest';
import { CellError, type CellErrorCode } from '../cell-error.ts';
import { realClock } from '../real-clock.ts';
import type { Command, CommandResult } from '../state/commands.ts';
import { decodeCommand, encodeCommand } from '../state/format/command-codec.ts';
import { LeadershipTracker } from './leadership-tracker.ts';
import { COMMAND_BYTES_MAX, PENDING_BYTES_MAX, Submitter, type SubmitterParts } from './submitter.ts';

const command: Command = { kind: 'stop-job', timeMs: 1, name: 'web' };
const applied = { ok: true, index: 7 } as const;

/** This member is 1. Peers answer by `forward`, the member itself by `propose`; `story` is what was asked of whom. */
function submitter(answers: {
  forward?: (to: number) => Promise<CommandResult>;
  propose?: () => Promise<{ index: number; result: unknown }>;
  connected?: (to: number) => boolean;
}) {
  const story: string[] = [];
  const forwarded: string[] = [];
  const leadership = new LeadershipTracker();
  const parts: SubmitterParts = {
    leadership,
    clock: realClock,
    origin: '1.x',
    onOutcome: (outcome) => story.push(outcome),
    peers: { connected: answers.connected ?? (() => true) },
    forwarder: {
      forward: (bytes) => {
        const to = leadership.current.leaderId;
        story.push(`forward to ${to}`);
        forwarded.push(Buffer.from(bytes).toString());
        return (answers.forward ?? (() => Promise.resolve(applied)))(to);
      },
    },
    driver: {
      propose: () => {
        story.push('propose');
        return (answers.propose ?? (() => Promise.resolve({ index: 7, result: applied })))();
      },
    },
  };
  const lead = (leader: number, term = 1) =>
    leadership.update({ leader, role: leader === 1 ? 'leader' : 'follower' }, term);
  return { story, forwarded, lead, submitter: new Submitter(parts) };
}

const failing = (code: CellErrorCode) => () => Promise.reject(new CellError(code, 'Failed'));

test('a follower forwards, and never twice the same bytes for two changes', async () => {
  const { story, forwarded, lead, submitter: one } = submitter({});
  lead(2);
  await expect(one.submit(command, 1000)).resolves.toEqual({ ok: true, index: 7 });
  await one.submit(command, 1000);
  expect(story).toEqual(['forward to 2', 'applied', 'forward to 2', 'applied']);
  expect(forwarded[0]).not.toBe(forwarded[1]);
  expect(forwarded.map((bytes) => decodeCommand(Buffer.from(bytes)))).toEqual([command, command]);
});

test.each(['CELL_E_OUTCOME_UNKNOWN', 'CELL_E_TIMEOUT', 'CELL_E_OVERLOADED'] as const)(
  'after %s the command is not sent again',
  async (code) => {
    const { story, lead, submitter: one } = submitter({ forward: failing(code) });
    lead(2);
    await expect(one.submit(command, 1000)).rejects.toMatchObject({ code });
    expect(story).toEqual(['forward to 2', code]);
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
  expect(story).toEqual(['forward to 2', 'forward to 3', 'applied']);
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

test('changes that wait are bounded', async () => {
  const { lead, submitter: one } = submitter({ propose: () => new Promise(() => {}) });
  lead(1);
  for (let waiting = 0; waiting < 10_000; waiting += 1) void one.propose(command);
  await expect(one.propose(command)).rejects.toMatchObject({ code: 'CELL_E_OVERLOADED' });
});

test('what could not be read back out of the log never gets into it, whoever made it', async () => {
  const { story, lead, submitter: one } = submitter({});
  const command: Command = { kind: 'write-mark', timeMs: 1, drillId: 'drill', sequence: 2 ** 60 };
  for (const leader of [2, 1]) {
    lead(leader, leader);
    await expect(one.submit(command, 1000)).rejects.toMatchObject({ code: 'CELL_E_INVALID' });
    await expect(one.propose(command)).rejects.toMatchObject({ code: 'CELL_E_INVALID' });
  }
  await expect(one.proposeForwarded(1, [Buffer.from('{"v":1}')])).resolves.toMatchObject([{ code: 'CELL_E_INVALID' }]);
  expect(story.filter((step) => step !== 'CELL_E_INVALID')).toEqual([]);
});

test('what a peer passes on is proposed in order, and each has its own outcome', async () => {
  let count = 0;
  const propose = () => {
    count += 1;
    return count === 2
      ? Promise.reject(new RaftError('overloaded', 'Full'))
      : Promise.resolve({ index: count, result: { ok: true, index: count } });
  };
  const { lead, submitter: one } = submitter({ propose });
  lead(1, 4);
  const bytes = encodeCommand(command, 'x');
  const outcomes = await one.proposeForwarded(4, [bytes, bytes, bytes]);
  expect(outcomes.map((outcome) => ('index' in outcome ? outcome.index : outcome.code))).toEqual([
    1,
    'CELL_E_OVERLOADED',
    3,
  ]);
});

test.each([3, 5])('who leads in term 4 writes nothing that was meant for the leader of term %i', async (term) => {
  const { story, lead, submitter: one } = submitter({});
  lead(1, 4);
  const forwarded = one.proposeForwarded(term, [encodeCommand(command, 'x')]);
  await expect(forwarded).rejects.toMatchObject({ code: 'CELL_E_NOT_LEADER' });
  expect(story).toEqual([]);
});

test.each(['here', 'for a leader elsewhere', 'without a leader'])(
  'of large changes that wait %s, only so many bytes are taken, and room comes back as they end',
  async (where) => {
    const held = Promise.withResolvers<void>();
    const hold = async () => {
      await held.promise;
      return applied;
    };
    const propose = async () => ({ index: 7, result: await hold() });
    const { lead, submitter: one } = submitter({ forward: hold, propose });
    const leads = () => lead(where === 'here' ? 1 : 2);
    if (where !== 'without a leader') leads();
    const large: Command = {
      kind: 'write-mark',
      timeMs: 1,
      drillId: 'd',
      sequence: 1,
      padding: 'x'.repeat(COMMAND_BYTES_MAX / 2),
    };
    const fits = Math.floor(PENDING_BYTES_MAX / (COMMAND_BYTES_MAX / 2 + 200));
    const taken = Array.from({ length: fits }, () => one.submit(large, 60_000));
    await expect(one.submit(large, 60_000)).rejects.toMatchObject({ code: 'CELL_E_OVERLOADED' });
    expect(one.pending.commands).toBe(fits);
    expect(one.pending.bytes).toBeLessThanOrEqual(PENDING_BYTES_MAX);
    held.resolve();
    leads();
    await Promise.all(taken);
    expect(one.pending).toEqual({ commands: 0, bytes: 0 });
    await expect(one.submit(large, 60_000)).resolves.toEqual(applied);
  },
);
