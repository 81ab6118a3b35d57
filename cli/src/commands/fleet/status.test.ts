import { codedError } from '@cell/sdk/testing';
import { expect, test } from 'vitest';
import { runCellctl } from '../../testing/run-cellctl.ts';
import { fleet, refused } from '../../testing/sample-fleet.ts';

const right = { ...fleet, problems: [], refused: [], nodesLost: 0 };

test('the last line says that all is right', async () => {
  const result = await runCellctl(['fleet', 'status', '--exit-code'], { getFleetStatus: () => right });
  expect(result.output.trimEnd().split('\n').at(-1)).toBe('All is right');
  expect(result.exitCode).toBe(0);
});

test('what is under way and needs nobody yet is told, and all is right', async () => {
  const message = 'Authority "ca1" was replaced 3 h 0 min ago and is trusted for 21 h 0 min more: no node needs it';
  const handlers = {
    getFleetStatus: () => ({ ...right, notices: [{ message, advice: 'Nodes renew by themselves' }] }),
  };
  const result = await runCellctl(['fleet', 'status', '--exit-code'], handlers);
  expect(result.output).toContain(
    'To know\n  Authority "ca1" was replaced 3 h 0 min ago and is trusted for 21 h 0 min',
  );
  expect(result.output).toContain('\n  Nodes renew by themselves\n\nAll is right\n');
  expect(result.exitCode).toBe(0);
});

test('the last line says how much is not right; the exit code only if that is asked for', async () => {
  const handlers = { getFleetStatus: () => fleet };
  const result = await runCellctl(['fleet', 'status'], handlers);
  expect(result.output.trimEnd().split('\n').at(-1)).toBe('3 things are not right');
  expect(result.exitCode).toBe(0);
  expect((await runCellctl(['fleet', 'status', '--exit-code'], handlers)).exitCode).toBe(1);
});

test.each([
  ['CELL_E_NO_LEADER', 'no leader'],
  ['CELL_E_UNREACHABLE', 'the member that was asked last is dead, another one lives'],
])('without a leader (%s) it shows what the member knows, and says so', async (code, message) => {
  const result = await runCellctl(['fleet', 'status', '--call-timeout', '3s'], {
    getFleetStatus: ({ stale }: { readonly stale: boolean }) => {
      if (!stale) throw codedError(code, message);
      return { ...fleet, leaderId: 0n };
    },
  });
  expect(result.errors).toBe('No leader answered: this is what the asked member knows\n');
  expect(result.output).toContain('Cluster "demo": no leader');
  expect(result.exitCode).toBe(0);
});

test('watching shows each change once where no terminal is, and outlasts errors', async () => {
  const stop = new AbortController();
  let asked = 0;
  const answers = [right, right, undefined, fleet];
  const result = await runCellctl(
    ['fleet', 'status', '--watch', '-o', 'json'],
    {
      getFleetStatus: () => {
        const answer = answers[asked];
        asked += 1;
        if (asked > answers.length) stop.abort(new Error('enough'));
        if (answer === undefined) throw codedError('CELL_E_INTERNAL', 'for a moment');
        return answer;
      },
    },
    { signal: stop.signal },
  );
  expect(result.output.match(/^\{/gm)).toHaveLength(2);
  expect(result.errors).toBe('CELL_E_INTERNAL: for a moment\n');
});

test('machines that are not let in are not right while they try, and people who were refused are only told', async () => {
  const [agent, person] = refused;
  const only = (...some: typeof refused) => ({ getFleetStatus: () => ({ ...right, refused: some }) });
  const kept = await runCellctl(['fleet', 'status', '--exit-code'], only(agent!));
  expect(kept.output).toContain(
    'Not let in during the last hour:\nWARNING\n  Agent: its token to join with was used as often as it may be; 1204 times, last',
  );
  expect(kept.output.trimEnd().split('\n').at(-1)).toBe('1 thing is not right');
  expect(kept.exitCode).toBe(1);
  const over = await runCellctl(['fleet', 'status', '--exit-code'], only(person!, { ...agent!, goesOn: false }));
  expect(over.output).toContain('OVER\n  Person: the token has ended; once, 30m ago, from 10.0.0.17\n');
  expect(over.output.trimEnd().split('\n').at(-1)).toBe('All is right');
  expect(over.exitCode).toBe(0);
  const json = await runCellctl(['fleet', 'status', '-o', 'json'], only(agent!));
  expect(JSON.parse(json.output).refused).toMatchObject([
    { kind: 'agent', cause: 'token-used-up', count: 1204, addresses: 12, goesOn: true },
  ]);
});
