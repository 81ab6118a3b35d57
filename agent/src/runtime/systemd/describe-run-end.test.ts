import { expect, test } from 'vitest';
import { describeRunEnd } from './describe-run-end.ts';
import { explainExitStatus } from './exit-status.ts';
import type { MainProcess } from './systemd-manager.ts';

const ENDED: MainProcess = {
  result: 'exit-code',
  mainPid: 0,
  code: 1,
  status: 3,
  startedAtUs: 1n,
  stopPost: undefined,
};

test.each<[string, Partial<MainProcess>, number, number, string]>([
  ['an exit code', {}, 64, 3, ''],
  ['a signal', { result: 'signal', code: 2, status: 9 }, 64, 137, ''],
  ['a core dump', { result: 'core-dump', code: 3, status: 11 }, 0, 139, ''],
  [
    'what systemd was told of lack of memory',
    { result: 'oom-kill', code: 2, status: 9 },
    64,
    137,
    'Was killed for lack of memory: it has limits.memory_max of 64 MiB',
  ],
  [
    'lack of memory of the node',
    { result: 'oom-kill', code: 2, status: 9 },
    0,
    137,
    'Was killed for lack of memory on this node',
  ],
  [
    'what its cgroup told of lack of memory',
    { result: 'signal', code: 2, status: 9, stopPost: { code: 1, status: 1 } },
    64,
    137,
    'Was killed for lack of memory: it has limits.memory_max of 64 MiB',
  ],
  [
    'a cgroup that tells of none',
    { result: 'signal', code: 2, status: 9, stopPost: { code: 1, status: 0 } },
    64,
    137,
    '',
  ],
  ['a cgroup that could not be asked', { code: 2, status: 9, stopPost: { code: 1, status: 2 } }, 64, 137, ''],
])('describeRunEnd() tells of %s', (_, change, memoryMaxMib, exitCode, message) => {
  const ended = describeRunEnd({ ...ENDED, ...change }, { memoryMaxMib });
  expect(ended).toEqual({ state: 'ended', exitCode, cannotRun: '', message });
});

test('explainExitStatus() knows what systemd says, and what is the own status of a program', () => {
  expect(explainExitStatus(217)).toContain('Could not find or change to the user');
  expect(explainExitStatus(244)).toContain('systemd.exec(5)');
  for (const own of [0, 1, 42, 137, 199, 246, 255]) expect(explainExitStatus(own)).toBeUndefined();
});
