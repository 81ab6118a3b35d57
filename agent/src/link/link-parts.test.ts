import {
  type DesiredAllocations,
  DirectoryKind,
  JobType,
  LogStream,
  Sandbox,
  type StreamLogsRequest,
} from '@cell/proto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Isolation } from '../reconcile/model.ts';
import { NO_ISOLATION } from '../testing/run-request.ts';
import { desiredFromProto, logRequestFromProto } from './from-proto.ts';
import { LeaseClock } from './lease-clock.ts';
import { MemberChoice } from './member-choice.ts';
import { retryDelayMs } from './retry-delay.ts';
import { heartbeatToProto } from './to-proto.ts';

test('LeaseClock counts from when the newest confirmed heartbeat was sent', () => {
  const lease = new LeaseClock(undefined, 0);
  expect(lease.remainingMs(0)).toBe(0);
  lease.renew({ sentAtMs: 1_000, leaseMs: 10_000 });
  expect(lease.remainingMs(3_000)).toBe(8_000);
  lease.renew({ sentAtMs: 500, leaseMs: 10_000 });
  expect(lease.remainingMs(3_000)).toBe(8_000);
  expect(lease.remainingMs(11_000)).toBe(0);
  expect(lease.remainingMs(99_000)).toBe(0);
});

test('LeaseClock goes on with what an earlier process had, unless it can not be of this clock', () => {
  const earlier = { sentAtMs: 5_000, leaseMs: 10_000 };
  expect(new LeaseClock(earlier, 8_000).remainingMs(8_000)).toBe(7_000);
  expect(new LeaseClock(earlier, 1_000).remainingMs(1_000)).toBe(0);
});

test('MemberChoice comes to every member before one comes again, and never twice in a row', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 6 }),
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (count, stream) => {
        const addresses = Array.from({ length: count }, (_, index) => `m${index}`);
        const choice = new MemberChoice(addresses, () => stream.next().value as number);
        let last = '';
        for (let round = 0; round < 4; round += 1) {
          const seen = new Set<string>();
          for (let turn = 0; turn < count; turn += 1) {
            const next = choice.next(last);
            expect(next).not.toBe(last);
            seen.add(next);
            last = next;
          }
          expect(seen.size).toBe(count);
        }
      },
    ),
  );
});

test('MemberChoice learns further members and keeps the configured ones', () => {
  const choice = new MemberChoice(['a'], () => 0);
  choice.learn(['b', 'a', 'c']);
  expect(choice.addresses).toEqual(['b', 'a', 'c']);
  choice.learn(Array.from({ length: 100 }, (_, index) => `m${index}`));
  expect(choice.addresses.length).toBe(32);
});

test('retryDelayMs() is short at first, grows to five seconds, is long for a foreign cluster, and as long as a member asks', () => {
  const end = { code: 'GRPC_14', message: '', confirmed: false };
  const delays = [0, 1, 2, 3, 6, 7, 50].map((failures) => retryDelayMs(end, failures, () => 0.999_999));
  expect(delays.map(Math.round)).toEqual([100, 100, 200, 400, 3_200, 5_000, 5_000]);
  expect(retryDelayMs(end, 50, () => 0)).toBe(2_500);
  for (const code of ['CELL_E_FOREIGN_CLUSTER', 'CELL_E_GENERATION_LOST']) {
    expect(retryDelayMs({ ...end, code }, 0, () => 0)).toBe(15_000);
  }
  expect(retryDelayMs({ ...end, retryAfterMs: 9_000 }, 1, () => 0)).toBe(9_000);
});

test('desiredFromProto() takes over what an instance is shut off from, whole or left out', () => {
  const isolationOf = (spec: object): Isolation =>
    desiredFromProto({ set: [{ spec }] } as DesiredAllocations).set[0]!.isolation;
  expect(isolationOf({})).toEqual(NO_ISOLATION);
  const limits = {
    memoryMaxMib: 1,
    memoryHighMib: 2,
    cpuMaxMillis: 3,
    cpuWeight: 4,
    ioWeight: 5,
    tasksMax: 6,
    filesMax: 7,
  };
  const whole = {
    limits,
    network: { private: true, deny: ['any'], allow: ['10.0.0.0/8'] },
    credentials: { token: 'token.txt' },
    secrets: { password: 'database' },
    environmentFiles: ['database.env'],
    devices: ['/dev/kvm:rw'],
    dynamicUser: true,
  };
  const kinds = [DirectoryKind.LOGS, DirectoryKind.STATE, DirectoryKind.CACHE];
  const said = { ...whole, type: JobType.BATCH, sandbox: Sandbox.NONE, directories: kinds };
  expect(isolationOf(said)).toEqual({
    ...whole,
    jobType: 'batch',
    sandbox: 'none',
    directories: ['logs', 'state', 'cache'],
  });
  expect(isolationOf({ sandbox: 99 as Sandbox }).sandbox).toBe('strict');
});

test('heartbeatToProto() tells what an allocation uses, and leaves out what the machine can not tell', () => {
  const health = { load: 0, memoryAvailableBytes: 0, diskFreeBytes: 0 };
  const known = { cpuTimeMs: 1, memoryBytes: 2, processes: 3, readAtMs: 1_500 };
  const pressure = { cpu: 1, memory: 2, io: 3 };
  const whole = { ...known, ioReadBytes: 4, ioWriteBytes: 0, pressure, oomKills: 0 };
  const { usage } = heartbeatToProto(1, {
    health,
    usage: new Map([
      ['a', known],
      ['b', whole],
    ]),
  });
  const said = { cpuTimeMs: 1n, memoryBytes: 2n, processes: 3, readAt: { seconds: 1n, nanos: 500_000_000 } };
  expect(usage).toEqual({ a: said, b: { ...said, ioReadBytes: 4n, ioWriteBytes: 0n, pressure, oomKills: 0 } });
});

test('logRequestFromProto() knows where reading begins', () => {
  const plain = { follow: true, stream: LogStream.UNSPECIFIED, cursor: '' } as StreamLogsRequest;
  expect(logRequestFromProto(plain)).toEqual({ follow: true, tailLines: undefined, stream: 'both' });
  const since = { seconds: 5n, nanos: 250_000_000 } as StreamLogsRequest['since'] & object;
  const placed = { ...plain, tailLines: 3, since, cursor: 's=1' };
  expect(logRequestFromProto(placed)).toEqual({
    follow: true,
    tailLines: 3,
    stream: 'both',
    sinceMs: 5_250,
    cursor: 's=1',
  });
});
