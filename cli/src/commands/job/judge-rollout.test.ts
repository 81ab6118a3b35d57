import { create } from '@bufbuild/protobuf';
import { AllocationState, DesiredState, GetJobResponseSchema, JobStatus, JobType } from '@cell/sdk';
import { expect, test } from 'vitest';
import { judgeRollout } from './judge-rollout.ts';

const { PENDING, STARTING, RUNNING, HEALTHY, UNHEALTHY, COMPLETE, FAILED, STOPPED } = AllocationState;

interface Case {
  readonly type?: JobType;
  readonly status?: JobStatus;
  readonly version?: bigint;
  readonly desired?: number;
  readonly unplaced?: number;
  readonly failed?: number;
  readonly states: readonly AllocationState[];
  /** Instances of the version before that shall stop. */
  readonly old?: readonly AllocationState[];
}

function judged({ type = JobType.SERVICE, status = JobStatus.PENDING, version = 2n, states, old = [], ...rest }: Case) {
  const healthy = states.filter((state) => state === HEALTHY).length;
  const response = create(GetJobResponseSchema, {
    job: {
      spec: { name: 'web', type },
      version,
      status,
      counts: { desired: rest.desired ?? states.length, healthy, running: healthy, failed: rest.failed ?? 0 },
      ...(rest.unplaced === undefined ? {} : { unplaced: { count: rest.unplaced } }),
    },
    allocations: [
      ...states.map((state, instance) => ({ id: `A${instance}`, instance, jobVersion: 2n, state, message: 'why' })),
      ...old.map((state) => ({ id: 'old', jobVersion: 1n, state, desired: DesiredState.STOP })),
    ],
  });
  return judgeRollout(response, 2n);
}

const running = JobStatus.RUNNING;
const degraded = JobStatus.DEGRADED;
const batch = JobType.BATCH;

test.each<[string, Case, string]>([
  ['nothing is placed yet', { states: [], desired: 3 }, 'waiting'],
  ['some instances start', { states: [HEALTHY, STARTING] }, 'waiting'],
  ['an instance runs and its check has not passed', { states: [HEALTHY, RUNNING], status: running }, 'waiting'],
  ['all are healthy', { states: [HEALTHY, HEALTHY], status: running }, 'done'],
  ['the fleet does not call it running yet', { states: [HEALTHY, HEALTHY] }, 'waiting'],
  ['fewer are healthy than wanted', { states: [HEALTHY], desired: 2, status: running }, 'waiting'],
  ['old instances end behind it', { states: [HEALTHY], old: [HEALTHY], status: running }, 'done'],
  ['the rest finds no node', { states: [HEALTHY], desired: 2, unplaced: 1, status: degraded }, 'unplaced'],
  ['none finds a node', { states: [], desired: 2, unplaced: 2, status: degraded }, 'unplaced'],
  ['places may get free', { states: [STARTING], desired: 2, unplaced: 1, status: degraded }, 'waiting'],
  ['an instance failed for good', { states: [FAILED, HEALTHY], failed: 1, status: degraded }, 'failed'],
  ['one failed, another starts', { states: [FAILED, PENDING], failed: 1, status: degraded }, 'waiting'],
  ['an instance is unhealthy', { states: [UNHEALTHY], status: degraded }, 'waiting'],
  ['a batch job runs', { type: batch, states: [HEALTHY, COMPLETE], status: running }, 'waiting'],
  [
    'a batch job waits for room',
    { type: batch, states: [HEALTHY], desired: 2, unplaced: 1, status: degraded },
    'waiting',
  ],
  ['a batch job is complete', { type: batch, states: [COMPLETE], status: JobStatus.COMPLETE }, 'done'],
  ['a batch job failed', { type: batch, states: [FAILED, COMPLETE], status: JobStatus.FAILED }, 'failed'],
  [
    'a system job fits no node',
    { type: JobType.SYSTEM, states: [], desired: 0, unplaced: 1, status: degraded },
    'unplaced',
  ],
  ['it was stopped meanwhile', { states: [STOPPED], status: JobStatus.STOPPED }, 'superseded'],
  ['a later version came', { states: [HEALTHY], version: 3n, status: running }, 'superseded'],
  ['an earlier version is seen by a member that lags', { states: [HEALTHY], version: 1n, status: running }, 'waiting'],
])('when %s', (_case, seen, state) => {
  expect(judged(seen).state).toBe(state);
});

test('a failure says why, and where to look', () => {
  const { text } = judged({ states: [HEALTHY, FAILED], failed: 1, status: degraded });
  expect(text).toBe('1 of 2 healthy, 1 failed; instance 1 failed: why; "cellctl allocation logs A1" shows its output');
});
