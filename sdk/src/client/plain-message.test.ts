import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  AllocationSchema,
  AllocationState,
  AllocationStateSchema,
  GetNodeResponseSchema,
  StreamLogsResponseSchema,
} from '@cell/proto';
import { expect, test } from 'vitest';
import { enumWord, plainMessage } from './plain-message.ts';

test('a message becomes plain values with every field', () => {
  const allocation = create(AllocationSchema, {
    id: '01J',
    jobVersion: 3n,
    state: AllocationState.HEALTHY,
    ports: { http: 20_001 },
    createdAt: timestampFromMs(Date.UTC(2026, 0, 2, 3, 4, 5, 6)),
  });
  expect(plainMessage(AllocationSchema, allocation)).toMatchObject({
    id: '01J',
    jobVersion: 3,
    state: 'healthy',
    desired: 'unspecified',
    ports: { http: 20_001 },
    createdAt: '2026-01-02T03:04:05.006Z',
    changedAt: null,
    exitCode: null,
    restarts: 0,
    message: '',
  });
});

test('an exit code of 0 is not an absent one', () => {
  expect(plainMessage(AllocationSchema, create(AllocationSchema, { exitCode: 0 }))['exitCode']).toBe(0);
});

test('messages in messages, lists and absent messages are plain too', () => {
  const response = create(GetNodeResponseSchema, { node: { name: 'a' }, allocations: [{ id: 'x' }] });
  expect(plainMessage(GetNodeResponseSchema, response)).toMatchObject({
    node: { name: 'a', inventory: null },
    allocations: [{ id: 'x' }],
  });
});

test('numbers that a double can not hold are text, and bytes are base64', () => {
  const allocation = create(AllocationSchema, { modifyIndex: 2n ** 63n });
  expect(plainMessage(AllocationSchema, allocation)['modifyIndex']).toBe('9223372036854775808');
  const logs = create(StreamLogsResponseSchema, { data: new TextEncoder().encode('hi') });
  expect(plainMessage(StreamLogsResponseSchema, logs)['data']).toBe('aGk=');
});

test('a time that no calendar has is its seconds since 1970', () => {
  const allocation = create(AllocationSchema, { createdAt: { seconds: 2n ** 62n } });
  expect(plainMessage(AllocationSchema, allocation)['createdAt']).toBe('4611686018427387904');
});

test('a value of an enumeration is a word without its prefix', () => {
  expect(enumWord(AllocationStateSchema, AllocationState.UNHEALTHY)).toBe('unhealthy');
  expect(enumWord(AllocationStateSchema, 99)).toBe('99');
});
