import { expect, test } from 'vitest';
import type { AuditRow } from '../model/identity.ts';
import { REFUSAL_CAUSES, refusalSubject } from '../model/refusal-cause.ts';
import { GOES_ON_MS_MAX, refusedCallers, TOLD_MS_MAX } from './refused-callers.ts';

const NOW_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;

function row(change: Partial<AuditRow> = {}): AuditRow {
  return {
    sequence: 1,
    timeMs: NOW_MS,
    index: 1,
    actor: 'nobody',
    method: 'AgentService/Join',
    subject: refusalSubject('token-used-up'),
    from: '10.0.0.7',
    outcome: 'CELL_E_FORBIDDEN',
    count: 1,
    hash: '',
    ...change,
  };
}

/** "agent token-used-up x3 from 10.0.0.7 (2), goes on". */
function told(...rows: readonly Partial<AuditRow>[]): string[] {
  return refusedCallers(rows.map(row), NOW_MS).map(({ kind, cause, count, from, addresses, goesOn }) => {
    return `${kind} ${cause} x${count} from ${from} (${addresses})${goesOn ? ', goes on' : ''}`;
  });
}

test('the same cause is one, with how often, from how many addresses, and the last of them', () => {
  const rows = [
    { timeMs: NOW_MS - 3 * MINUTE_MS, count: 2 },
    { timeMs: NOW_MS - MINUTE_MS, from: '10.0.0.8' },
    { timeMs: NOW_MS - 2 * MINUTE_MS, count: 9 },
  ];
  expect(told(...rows)).toEqual(['agent token-used-up x12 from 10.0.0.8 (2), goes on']);
  expect(refusedCallers(rows.map(row), NOW_MS)[0]?.lastMs).toBe(NOW_MS - MINUTE_MS);
});

test('what is longer ago than an hour is not told, and what was given up is told as over', () => {
  const over = { timeMs: NOW_MS - TOLD_MS_MAX - 1 };
  expect(told(over)).toEqual([]);
  // Clocks of members differ: an older entry may come later.
  expect(told({ timeMs: NOW_MS - 2 * MINUTE_MS }, over)).toHaveLength(1);
  expect(told({ timeMs: NOW_MS - GOES_ON_MS_MAX })).toEqual(['agent token-used-up x1 from 10.0.0.7 (1)']);
});

test.each<[string, Partial<AuditRow>, string | undefined]>([
  ['a revoked node', { method: 'AgentService/Session', subject: 'why/node-revoked' }, 'agent node-revoked'],
  ['a clock', { subject: '', outcome: 'CELL_E_CLOCK_SKEW' }, 'agent clock-skew'],
  ['a copy of a machine', { subject: 'node/n1 by token/a (b)', outcome: 'CELL_E_CONFLICT' }, 'agent identity-taken'],
  ['what is not said', { subject: '' }, 'agent other'],
  ['a flood', { subject: '', outcome: 'CELL_E_RATE_LIMITED' }, 'agent too-often'],
  [
    'a member with another token',
    { method: 'PeerService/JoinMember', subject: '', outcome: 'CELL_E_UNAUTHENTICATED' },
    'member token-unknown',
  ],
  [
    'a member that nobody invited',
    { method: 'PeerService/JoinMember', subject: 'member/4', outcome: 'CELL_E_NOT_FOUND' },
    'member not-invited',
  ],
  [
    'a member that was removed',
    { method: 'PeerService/Introduce', subject: '', outcome: 'CELL_E_REMOVED' },
    'member member-removed',
  ],
  [
    "a person's token",
    { method: 'JobService/ListJobs', subject: 'why/token-ended', outcome: 'CELL_E_UNAUTHENTICATED' },
    'person token-ended',
  ],
  ['a viewer that may not', { method: 'JobService/SubmitJob', subject: '', outcome: 'CELL_E_FORBIDDEN' }, undefined],
  ['a job that is not there', { method: 'JobService/StopJob', subject: '', outcome: 'CELL_E_NOT_FOUND' }, undefined],
  ['one of too many kinds', { method: 'others', subject: '', outcome: 'CELL_E_UNAUTHENTICATED' }, 'person other'],
  ['a node that joined', { subject: 'node/n1', outcome: 'ok' }, undefined],
  ['what fails in the cluster', { subject: 'node/n1', outcome: 'CELL_E_NO_LEADER' }, undefined],
])('%s is told apart from the rest', (_what, change, wanted) => {
  expect(told(change).map((text) => text.replace(/ x.*/, ''))).toEqual(wanted === undefined ? [] : [wanted]);
});

test('people who mistype a token do not make the fleet one that is not right', () => {
  const mistyped = { method: 'JobService/ListJobs', subject: 'why/token-malformed', outcome: 'CELL_E_UNAUTHENTICATED' };
  expect(refusedCallers([row(mistyped)], NOW_MS)[0]?.goesOn).toBe(false);
  // Nor does a member that was removed, and ends for that.
  const removed = { method: 'PeerService/Introduce', subject: '', outcome: 'CELL_E_REMOVED' };
  expect(refusedCallers([row(removed)], NOW_MS)[0]?.goesOn).toBe(false);
});

test.each(['AgentService/Session', 'PeerService/JoinMember', 'JobService/ListJobs'])(
  'to each cause at %s there is something to do',
  (method) => {
    for (const cause of REFUSAL_CAUSES) {
      const rows = [row({ method, subject: refusalSubject(cause), outcome: 'CELL_E_UNAUTHENTICATED' })];
      const [{ message, advice } = { message: '', advice: '' }] = refusedCallers(rows, NOW_MS);
      expect(message).toMatch(/^[a-z].*[^.]$/);
      expect(advice).toMatch(/^[A-Z].*[^.]$/);
    }
  },
);
