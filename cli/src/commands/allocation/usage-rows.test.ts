import { AllocationState } from '@cell/sdk';
import { expect, test } from 'vitest';
import { bytes } from '../../output/units.ts';
import { runCellctl, secondsAgo, widthOf } from '../../testing/run-cellctl.ts';
import { allocations } from '../../testing/sample-fleet.ts';

const everything = {
  cpuTimeMs: 61_500n,
  memoryBytes: 73_400_320n,
  processes: 12,
  ioReadBytes: 0n,
  ioWriteBytes: 5_368_709_120n,
  pressure: { cpu: 1_234, memory: 5, io: 10_000 },
  oomKills: 2,
  readAt: secondsAgo(2),
};

async function shown(answer: object): Promise<readonly string[]> {
  const handlers = { getAllocation: () => ({ allocation: allocations[0], ...answer }) };
  const { output } = await runCellctl(['allocation', 'show', '01KA'], handlers, {
    terminalColumns: 80,
    environment: { NO_COLOR: '1' },
  });
  expect(widthOf(output)).toBeLessThanOrEqual(80);
  const lines = output.split('\n');
  const first = lines.findIndex((line) => /^(Uses|CPU time) /.test(line));
  return first === -1 ? [] : lines.slice(first, -1).map((line) => line.replaceAll(/ {2,}/g, ': '));
}

test('all that a node can tell is shown, with the limit of memory', async () => {
  expect(await shown({ usage: everything, limits: { memoryMaxMib: 256 } })).toEqual([
    'CPU time: 61.50 s',
    'Memory: 70.0 MiB of 256.0 MiB (27 %)',
    'Tasks: 12 processes and threads',
    'Disk read: 0 B',
    'Disk write: 5.0 GiB',
    'Waiting: CPU 12.3 %, memory 0.1 %, disk 100.0 % of the last 10 s',
    'OOM kills: 2',
    'Read: 2s ago',
  ]);
});

test('what a node can not tell is "unknown", and nothing is not', async () => {
  const usage = { cpuTimeMs: 0n, memoryBytes: 0n, processes: 1, readAt: secondsAgo(2) };
  expect(await shown({ usage, limits: {} })).toEqual([
    'CPU time: 0.00 s',
    'Memory: 0 B',
    'Tasks: 1 process or thread',
    'Disk read: unknown',
    'Disk write: unknown',
    'Waiting: unknown',
    'OOM kills: unknown',
    'Read: 2s ago',
  ]);
});

test('without an agent that tells, usage is unknown; of what has ended nothing is said', async () => {
  expect(await shown({})).toEqual(['Uses: unknown: its agent has not told yet, or is away']);
  const ended = { ...allocations[0], state: AllocationState.FAILED };
  expect(await shown({ allocation: ended })).toEqual([]);
});

test('programs get all of it', async () => {
  const handlers = {
    getAllocation: () => ({ allocation: allocations[0], usage: everything, limits: { tasksMax: 9 } }),
  };
  const { output } = await runCellctl(['allocation', 'show', '01KA', '-o', 'json'], handlers);
  expect(JSON.parse(output)).toMatchObject({
    usage: { ioWriteBytes: 5_368_709_120, oomKills: 2, pressure: { cpu: 1_234, memory: 5, io: 10_000 } },
    limits: { tasksMax: 9 },
  });
});

test.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [1_024, '1.0 KiB'],
  [1_048_575, '1.0 MiB'],
  [1_610_612_736, '1.5 GiB'],
  [2 ** 60, '1024.0 PiB'],
])('%d bytes are "%s"', (count, text) => {
  expect(bytes(count)).toBe(text);
});
