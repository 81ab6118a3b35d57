import { codedError } from '@cell/sdk/testing';
import { expect, test } from 'vitest';
import { runCellctl, secondsAgo } from '../../testing/run-cellctl.ts';

function event(index: bigint, type: string, seconds = 1) {
  return { event: { index, time: secondsAgo(seconds), type, subject: 'node/a', message: 'happened' } };
}

test('only what happened since then is shown', async () => {
  const streamEvents = async function* () {
    yield event(1n, 'Old', 3_601);
    yield event(2n, 'New', 3_599);
  };
  const result = await runCellctl(['events', '--since', '1h'], { streamEvents });
  expect(result.output).toBe('2026-01-02 11:00:01Z  New  node/a: happened\n');
});

test.each(['job/web', 'token/ci', 'secret/team-a/password', 'authority/3f2a'])(
  'what happened to %s is said of it',
  async (subject) => {
    const streamEvents = async function* () {
      yield { event: { ...event(1n, 'Happened').event, subject } };
    };
    expect((await runCellctl(['events'], { streamEvents })).output).toContain(` ${subject}: happened\n`);
  },
);

test('a followed stream goes on where it broke, each event once', async () => {
  const requests: { readonly afterIndex: bigint; readonly limit: number }[] = [];
  const kept = [event(3n, 'A'), event(4n, 'B'), event(4n, 'C'), event(4n, 'D'), event(5n, 'E')];
  const streamEvents = async function* (request: { readonly afterIndex: bigint; readonly limit: number }) {
    requests.push(request);
    const first = requests.length === 1;
    const sent = kept.filter(({ event: { index } }) => index > request.afterIndex);
    // It breaks in the middle of what happened at index 4.
    for (const each of first ? sent.slice(0, 3) : sent) yield each;
    if (first) throw codedError('CELL_E_OVERLOADED', 'too slow');
  };
  const result = await runCellctl(['events', '-f', '-n', '10', '-o', 'json'], { streamEvents });
  const types = result.output
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toEqual(['A', 'B', 'C', 'D', 'E']);
  expect(requests.map(({ afterIndex, limit }) => [afterIndex, limit])).toEqual([
    [0n, 10],
    [3n, 0],
  ]);
});

test('a stream that is not followed is not begun again', async () => {
  const streamEvents = async function* () {
    yield event(1n, 'A');
    throw codedError('CELL_E_OVERLOADED', 'too slow');
  };
  const result = await runCellctl(['events'], { streamEvents });
  expect(result).toMatchObject({ exitCode: 1, errors: 'CELL_E_OVERLOADED: too slow\n' });
});
