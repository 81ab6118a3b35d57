import { expect, test } from 'vitest';
import type { ProcessStat } from './process-identity.ts';
import { processesOf } from './process-table.ts';

const OURS = 'PATH=/bin\0CELL_ALLOCATION=a\0';

function stat(pid: number, change: Partial<ProcessStat> = {}): ProcessStat {
  const rest = { startTicks: pid, state: 'S', session: pid, cpuTicks: 0, memoryPages: 1, virtualBytes: 4_096 };
  return { pid, ...rest, ...change };
}

/** Ids of those that belong to allocation "a", given what is read of each process, one time after the other. */
async function found(environments: Record<number, string[]>, change: Partial<ProcessStat> = {}): Promise<number[]> {
  const table = Object.keys(environments).map((pid) => stat(Number(pid), change));
  const read = async (pid: number): Promise<string> => {
    const [next, ...later] = environments[pid]!;
    if (later.length > 0) environments[pid] = later;
    if (next === undefined) throw new Error('EACCES');
    return next;
  };
  return (await processesOf('a', undefined, table, read)).map(({ pid }) => pid);
}

test('processes are found by the allocation in their environment, whole', async () => {
  expect(await found({ 1: [OURS], 2: ['CELL_ALLOCATION=ab\0'], 3: ['NOT_CELL_ALLOCATION=a\0'], 4: [] })).toEqual([1]);
});

test('one that becomes another program, and has no environment meanwhile, is looked at again', async () => {
  expect(await found({ 1: ['', '', OURS], 2: ['', 'PATH=/bin\0'], 3: [''] })).toEqual([1]);
});

test('threads of the kernel, which never have one, are not waited for', async () => {
  expect(await found({ 1: ['', OURS] }, { virtualBytes: 0 })).toEqual([]);
});
