import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { failureReason } from './failure-reason.ts';

test('what grpc-js says around a reason is left out', () => {
  const cases: readonly (readonly [code: number, details: string, reason: string])[] = [
    [
      status.UNAVAILABLE,
      'No connection established. Last error: Error: connect ECONNREFUSED 10.0.0.3:7601. Resolution note: ',
      'connect ECONNREFUSED 10.0.0.3:7601',
    ],
    [status.UNAVAILABLE, 'No connection established. Last error: null. Resolution note: ', 'null'],
    [status.DEADLINE_EXCEEDED, 'Deadline exceeded after 5.0s,LB pick: 0.001s', 'it did not answer in time'],
    [
      status.UNAVAILABLE,
      'No connection established. Last error: Error: certificate is not yet valid. Resolution note: ',
      'What answers at "10.0.0.3:7601" has a certificate that begins later: the clocks differ by more than 5 minutes. ' +
        'Set this clock right (timedatectl)',
    ],
    [status.CANCELLED, 'Call cancelled', 'Call cancelled'],
  ];
  for (const [code, details, reason] of cases) {
    const error = Object.assign(new Error(details), { code, details });
    expect(failureReason(error, '10.0.0.3:7601')).toBe(reason);
  }
});
