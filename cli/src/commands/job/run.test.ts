import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AllocationState, JobStatus, JobType } from '@cell/sdk';
import { codedError } from '@cell/sdk/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CellctlOptions, runCellctl } from '../../testing/run-cellctl.ts';
import { Interruption } from '../../world.ts';

let currentFolder = '';
beforeAll(() => {
  currentFolder = mkdtempSync(join(tmpdir(), 'cellctl-run-'));
  writeFileSync(join(currentFolder, 'web.toml'), 'name = "web"\ntype = "service"\ncommand = ["serve"]\n');
  writeFileSync(join(currentFolder, 'wrong.toml'), 'name = "Web"\ntype = "servce"\ncommand = ["serve"]\n');
});
afterAll(() => {
  rmSync(currentFolder, { recursive: true, force: true });
});

const plan = {
  index: 7n,
  version: 2n,
  fields: [{ path: 'resources.memory', before: '"128MiB"', after: '"256MiB"' }],
  actions: [
    { kind: 'replace', instance: 0, nodeName: 'node-1', reason: 'resources.memory changes' },
    { kind: 'place', instance: 1, nodeName: 'node-2', reason: 'best of 3 nodes' },
  ],
};

function job(state: JobStatus, healthy: number, unplaced = 0) {
  const reasons = [{ reason: 'memory: 8 GiB asked, 1 GiB free at most', nodes: 3 }];
  return {
    job: {
      spec: { name: 'web', type: JobType.SERVICE },
      version: 2n,
      status: state,
      counts: { desired: 2, healthy, running: healthy },
      unplaced: { count: unplaced, reasons: unplaced === 0 ? [] : reasons, hint: '' },
    },
    allocations: Array.from({ length: healthy }, (_, instance) => ({
      id: `A${instance}`,
      instance,
      jobVersion: 2n,
      state: AllocationState.HEALTHY,
    })),
  };
}

function handlers(changed: Record<string, (request: never) => unknown> = {}) {
  return {
    planJob: () => plan,
    submitJob: () => ({ version: 2n, index: 8n }),
    getJob: () => job(JobStatus.RUNNING, 2),
    ...changed,
  };
}

function run(words: string, changed = {}, options: CellctlOptions = {}) {
  return runCellctl(['job', ...words.split(' ')], handlers(changed), { currentFolder, ...options });
}

test('it shows the plan, submits it on the index it was made on, and waits until all is healthy', async () => {
  const requests: { readonly expectedIndex: bigint }[] = [];
  let looks = 0;
  const result = await run('run web.toml', {
    submitJob: (request: { readonly expectedIndex: bigint }) => {
      requests.push(request);
      return { version: 2n };
    },
    getJob: () => {
      looks += 1;
      return looks < 3 ? job(JobStatus.PENDING, 1) : job(JobStatus.RUNNING, 2);
    },
  });
  expect(result).toMatchObject({ exitCode: 0, output: 'Job "web" version 2: 2 of 2 healthy\n' });
  expect(requests[0]?.expectedIndex).toBe(7n);
  expect(result.errors).toBe(
    [
      'Job "web" becomes version 2: a service job',
      '',
      '  resources.memory  "128MiB" → "256MiB"',
      '',
      '   ACTION   INSTANCE  NODE    WHY',
      '~  replace         0  node-1  resources.memory changes',
      '+  place           1  node-2  best of 3 nodes',
      '',
    ].join('\n'),
  );
});

test('instances that find no node give exit code 2 and the reasons', async () => {
  const result = await run('run web.toml', { getJob: () => job(JobStatus.DEGRADED, 1, 1) });
  expect(result.exitCode).toBe(2);
  expect(result.output).toBe(
    'Job "web" version 2: 1 of 2 healthy, 1 unplaced\n' +
      '1 instance finds no node:\n  memory: 8 GiB asked, 1 GiB free at most (3 nodes)\n',
  );
});

test('a wrong file shows every error and calls nobody', async () => {
  const result = await run('run wrong.toml');
  expect(result.exitCode).toBe(1);
  expect(result.errors).toMatch(
    /^CELL_E_JOB_FILE: Job file "wrong\.toml" has 2 problems\n {2}wrong\.toml:1: name = "Web"/,
  );
  expect(result.errors).toMatch(/\n {2}wrong\.toml:2: type = "servce": /);
  expect(result.calls).toEqual([]);
});

test.each([
  ['run gone.toml', 1, 'CELL_E_FILE: Could not read the job file "gone.toml": there is no such file\n'],
  ['run .', 1, 'CELL_E_FILE: Could not read the job file ".": it is a folder\n'],
  ['plan gone.toml', 255, 'CELL_E_FILE: Could not read the job file "gone.toml": there is no such file\n'],
])('%s', async (words, exitCode, errors) => {
  expect(await run(words)).toMatchObject({ exitCode, errors, output: '' });
});

test('a job file may come from standard input', async () => {
  const result = await run('run --detach -', {}, { input: 'name = "web"\ntype = "service"\ncommand = ["serve"]\n' });
  expect(result).toMatchObject({ exitCode: 0, output: 'Job "web" version 2 is accepted\n' });
  expect(result.calls).toEqual(['planJob', 'submitJob']);
});

test('on a terminal it asks, and anything but yes changes nothing', async () => {
  const asked = await run('run web.toml', {}, { terminalColumns: 80, input: 'no' });
  expect(asked).toMatchObject({ exitCode: 1, calls: ['planJob'] });
  expect(asked.errors).toContain('Submit it? [y/N] ');
  expect((await run('run web.toml', {}, { terminalColumns: 80, input: 'y' })).exitCode).toBe(0);
  const unasked = await run('run --yes web.toml', {}, { terminalColumns: 80, input: 'no' });
  expect(unasked.errors).not.toContain('[y/N]');
});

test('plan tells by its exit code whether something would change', async () => {
  const changed = await run('plan web.toml');
  expect(changed).toMatchObject({ exitCode: 1, errors: '', calls: ['planJob'] });
  const unchanged = await run('plan web.toml', { planJob: () => ({ unchanged: true, version: 2n, index: 7n }) });
  expect(unchanged).toMatchObject({ exitCode: 0, output: 'Job "web" is unchanged: version 2\n' });
});

test('what somebody else changed meanwhile is not overwritten', async () => {
  const submitJob = () => {
    throw codedError('CELL_E_CONFLICT', 'not as it was');
  };
  const result = await run('run web.toml', { submitJob });
  expect(result.exitCode).toBe(1);
  expect(result.errors).toContain('CELL_E_CONFLICT: Job "web" was changed by somebody else after the plan');
});

test('a conflict with the own submission, whose answer was lost, is none', async () => {
  let plans = 0;
  const result = await run('run --detach web.toml', {
    planJob: () => {
      plans += 1;
      return plans === 1 ? plan : { unchanged: true, version: 2n, index: 8n };
    },
    submitJob: () => {
      throw codedError('CELL_E_CONFLICT', 'not as it was');
    },
  });
  expect(result).toMatchObject({ exitCode: 0, output: 'Job "web" version 2 is accepted\n' });
});

test('a job that fails, or takes too long, is an error that says so', async () => {
  const failing = job(JobStatus.DEGRADED, 0);
  const failed = {
    job: { ...failing.job, counts: { desired: 1, failed: 1 } },
    allocations: [{ id: 'A1', instance: 0, jobVersion: 2n, state: AllocationState.FAILED, message: 'exit code 3' }],
  };
  const result = await run('run web.toml', { getJob: () => failed });
  expect(result.exitCode).toBe(1);
  expect(result.errors).toContain(
    'CELL_E_JOB_FAILED: Job "web" version 2: 0 of 1 healthy, 1 failed; instance 0 failed',
  );
  const slow = await run('run --timeout 3s web.toml', { getJob: () => job(JobStatus.PENDING, 1) });
  expect(slow.errors).toContain('CELL_E_TIMEOUT: Job "web" is not there yet after 3.00 s (1 of 2 healthy); it goes on');
});

test('waiting outlasts a failover', async () => {
  let looks = 0;
  const result = await run('run web.toml --call-timeout 1s', {
    getJob: () => {
      looks += 1;
      if (looks < 10) throw codedError('CELL_E_NO_LEADER', 'no leader');
      return job(JobStatus.RUNNING, 2);
    },
  });
  expect(result.exitCode).toBe(0);
});

test('Ctrl-C while waiting says that the job goes on', async () => {
  const stop = new AbortController();
  const getJob = () => {
    stop.abort(new Interruption(130));
    return job(JobStatus.PENDING, 1);
  };
  const result = await run('run web.toml', { getJob }, { signal: stop.signal });
  expect(result.exitCode).toBe(130);
  expect(result.errors).toMatch(/\nNot waiting any more; job "web" goes on, "cellctl job show web" shows it\n$/);
  expect(result.errors).not.toContain('CELL_E');
});

test('stop says how many instances end', async () => {
  const result = await run('stop web', { stopJob: () => ({ index: 9n, stopping: 3 }) });
  expect(result).toMatchObject({ exitCode: 0, output: 'Job "web" is stopped; 3 instances end now\n' });
});

test('show --file gives the job file back', async () => {
  const spec = { name: 'web', type: JobType.SERVICE, count: 2, command: ['serve', '--port', '80'], resources: {} };
  const result = await run('show web --file', { getJob: () => ({ job: { spec } }) });
  expect(result.exitCode).toBe(0);
  expect(result.output).toContain('name = "web"');
  expect(result.output).toContain('command = ["serve", "--port", "80"]');
});
