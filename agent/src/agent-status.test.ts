import { expect, test } from 'vitest';
import { describeAgent } from './agent-status.ts';

const link = { connected: true, member: '10.0.0.1:7600', problem: '' };

test('the status counts what runs, not what ended or has yet to start', () => {
  const counts = new Map([
    ['running', 2],
    ['healthy', 1],
    ['complete', 4],
    ['pending', 1],
  ] as const);
  expect(describeAgent(counts, link)).toBe('Runs 3 allocations; session with the control plane at 10.0.0.1:7600');
});

test('the status says why there is no session', () => {
  const counts = new Map([['unhealthy', 1]] as const);
  expect(describeAgent(counts, { ...link, connected: false, problem: 'No answer' })).toBe(
    'Runs 1 allocation; no session with the control plane: No answer',
  );
});

test('the status says what keeps the node from a certificate, also while the old one still serves', () => {
  const problem = 'This machine has not joined a fleet';
  expect(describeAgent(new Map(), { ...link, connected: false, problem: 'No session has begun yet' }, problem)).toBe(
    `Runs 0 allocations; no session with the control plane: ${problem}`,
  );
  expect(describeAgent(new Map(), link, 'It is due')).toBe(
    'Runs 0 allocations; session with the control plane at 10.0.0.1:7600. It is due',
  );
});
