import { AllocationState } from '@cell/proto';
import { expect, test } from 'vitest';
import { compareWorkloads } from './compare-workloads.ts';

const { HEALTHY, RUNNING, UNHEALTHY, COMPLETE, STARTING, LOST, STOPPED } = AllocationState;

function allocation(state: AllocationState, restarts = 0, message = '') {
  return { id: 'A', job: 'web', instance: 1, nodeName: 'node-2', state, restarts, message };
}
const NAME = 'Instance 1 of job "web" on node "node-2"';

test.each([
  [allocation(HEALTHY), allocation(HEALTHY), undefined],
  [allocation(RUNNING), allocation(HEALTHY), undefined],
  [allocation(HEALTHY, 4), allocation(HEALTHY, 4), undefined],
  [allocation(RUNNING), allocation(COMPLETE), undefined],
  [allocation(STOPPED), allocation(LOST), undefined],
  [allocation(HEALTHY), undefined, 'is gone'],
  [allocation(HEALTHY), allocation(HEALTHY, 1), 'was restarted'],
  [allocation(HEALTHY, 2), allocation(STARTING, 5), 'was restarted 3 times'],
  [allocation(HEALTHY), allocation(UNHEALTHY), 'is unhealthy now'],
  [allocation(UNHEALTHY), allocation(UNHEALTHY), undefined],
  [allocation(HEALTHY), allocation(LOST, 0, 'Its node was lost'), 'is lost now: Its node was lost'],
  [allocation(HEALTHY), allocation(STARTING), 'is starting now'],
])('%o and then %o: %s', (before, after, what) => {
  expect(compareWorkloads([before], after === undefined ? [] : [after])).toEqual(
    what === undefined ? [] : [`${NAME} ${what}`],
  );
});

test('an allocation that is new afterwards is nobody disturbed', () => {
  expect(compareWorkloads([], [allocation(HEALTHY)])).toEqual([]);
});
