import { expect, test } from 'vitest';
import { askedCapabilities } from './asked-capabilities.ts';
import { parseJob } from './parse-job.ts';

function askedBy(file: Record<string, unknown>): string[] {
  const parsing = parseJob({ name: 'web', command: ['serve'], ...file });
  if ('issues' in parsing) throw new Error('the test has a wrong job');
  return askedCapabilities(parsing.spec).map(({ key, capability }) => `${key}: ${capability}`);
}

test('only what a file says expressly is asked for', () => {
  expect(askedBy({})).toEqual([]);
  expect(askedBy({ type: 'batch', sandbox: 'default', user: 'www-data', network: { private: false } })).toEqual([]);
  expect(askedBy({ sandbox: 'none', limits: {}, health: { type: 'exec', command: ['true'] } })).toEqual([]);
});

test('each thing that is asked for comes with the key that asks, in the order of the file', () => {
  const file = {
    sandbox: 'strict',
    dynamic_user: true,
    environment_files: ['a', 'b'],
    directories: ['state', 'cache'],
    devices: ['/dev/kvm', '/dev/serial/by-path/pci-0000:00:14.0:r'],
    limits: {
      memory_max: '1GiB',
      memory_high: '1GiB',
      cpu_max: 1,
      cpu_weight: 1,
      io_weight: 1,
      tasks_max: 1,
      files_max: 16,
    },
    network: { private: true, deny: ['any'], allow: ['localhost'] },
    credentials: { a: 'b', c: 'd' },
  };
  expect(askedBy(file)).toEqual([
    'sandbox: sandbox.strict',
    'dynamic_user: user.dynamic',
    'environment_files: environment-files',
    'directories: directories',
    'devices: device:/dev/kvm',
    'devices: device:/dev/serial/by-path/pci-0000:00:14.0',
    'limits.memory_max: limit.memory-max',
    'limits.memory_high: limit.memory-high',
    'limits.cpu_max: limit.cpu-max',
    'limits.cpu_weight: limit.cpu-weight',
    'limits.io_weight: limit.io-weight',
    'limits.tasks_max: limit.tasks-max',
    'limits.files_max: limit.files-max',
    'network.private: network.private',
    'network.deny: network.addresses',
    'credentials: credentials',
  ]);
});
