import { codedError } from '@cell/sdk/testing';
import { expect, test } from 'vitest';
import { NOW_MS, runCellctl } from '../../testing/run-cellctl.ts';

interface Asked {
  readonly cursor: string;
  readonly tailLines?: number;
  readonly since?: { readonly seconds: bigint; readonly nanos: number };
}

const broken = codedError('CELL_E_NODE_UNREACHABLE', 'The agent went away');

/** One answer after the other: output as "text@cursor", or an error. */
function answering(...answers: readonly (readonly (string | Error)[])[]) {
  const asked: Asked[] = [];
  const handlers = {
    streamLogs: async function* (request: Asked) {
      asked.push(request);
      for (const message of answers[asked.length - 1]!) {
        if (message instanceof Error) throw message;
        const [text = '', cursor = ''] = message.split('@');
        yield { data: Buffer.from(text), cursor };
      }
    } as never,
  };
  return { asked, handlers };
}

function logs(flags: string, answers: ReturnType<typeof answering>) {
  return runCellctl(['allocation', 'logs', '01KA', ...flags.split(' ')], answers.handlers);
}

test('what is followed goes on where it broke off, and says so on standard error', async () => {
  const answers = answering(['one\n@1', 'two\n@2', broken], ['three\n@3']);
  const result = await logs('-f -n 2', answers);
  expect(result).toMatchObject({ exitCode: 0, output: 'one\ntwo\nthree\n' });
  expect(result.errors).toBe('Output broke off, and goes on where it stopped: The agent went away\n');
  expect(answers.asked.map(({ cursor }) => cursor)).toEqual(['', '2']);
  expect(answers.asked[0]?.tailLines).toBe(2);
});

test('without a place to go on from it ends with an error that says how to go on', async () => {
  const result = await logs('-f', answering(['one\n', broken]));
  expect(result).toMatchObject({ exitCode: 1, output: 'one\n' });
  expect(result.errors).toMatch(
    /^CELL_E_NODE_UNREACHABLE: The agent went away; .*"cellctl allocation logs -f -n 100 01KA"/,
  );
});

test('a first answer that is an error is shown as it is', async () => {
  const unsupported = codedError('CELL_E_UNSUPPORTED', 'This node does not know when lines were written');
  const result = await logs('--since 1h', answering([unsupported]));
  expect(result).toMatchObject({ exitCode: 1, output: '' });
  expect(result.errors).toBe('CELL_E_UNSUPPORTED: This node does not know when lines were written\n');
});

test.each([
  ['10m', NOW_MS - 600_000],
  ['1.5s', NOW_MS - 1_500],
  ['2026-01-02T11:00:00Z', NOW_MS - 3_600_000],
  ['2026-01-02T13:00:00.250+02:00', NOW_MS - 3_600_000 + 250],
  ['2025-12-31T00:00:00.5-00:30', Date.UTC(2025, 11, 31, 0, 30, 0, 500)],
])('--since %s', async (since, timeMs) => {
  const answers = answering([]);
  await logs(`--since ${since}`, answers);
  const { seconds, nanos } = answers.asked[0]!.since!;
  expect(Number(seconds) * 1_000 + nanos / 1_000_000).toBe(timeMs);
});

test.each(['yesterday', '2026-01-02', '2026-13-02T11:00:00Z', '2026-01-02T11:00:00', '10', '-5m'])(
  '--since %s is refused',
  async (since) => {
    const result = await runCellctl(['allocation', 'logs', '01KA', `--since=${since}`], {});
    expect(result).toMatchObject({ exitCode: 1, errors: expect.stringMatching(/CELL_E_USAGE: .*"10m", or a time/) });
  },
);
