import { availableParallelism, tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { parseOsRelease, readInventory } from './read-inventory.ts';
import { readNodeHealth } from './read-node-health.ts';

const settings = {
  name: 'node-1',
  address: '127.0.0.1',
  data: tmpdir(),
  runtime: 'process',
  capabilities: ['exec'],
  cpuMillis: undefined,
  memoryMib: undefined,
  portFirst: 1,
  portLast: 2,
  attributes: { rack: 'r1', 'os.id': 'mine' },
};

test('readInventory() says what the machine has, and what was configured over it', async () => {
  const found = await readInventory(settings);
  expect(found.cpuMillis).toBe(availableParallelism() * 1_000);
  expect(found.memoryMib).toBeGreaterThan(100);
  expect(found.capabilities).toEqual(['exec']);
  expect(found.diskFreeMib).toBeGreaterThan(0);
  expect(found.attributes).toMatchObject({
    'node.name': 'node-1',
    'kernel.name': 'linux',
    'kernel.version': expect.stringMatching(/^\d+\.\d+/),
    'cpu.architecture': expect.stringMatching(/^(amd64|arm64)$/),
    'cpu.cores': `${availableParallelism()}`,
    'os.version': expect.any(String),
    rack: 'r1',
    'os.id': 'mine',
  });
  expect(await readInventory({ ...settings, cpuMillis: 500, memoryMib: 64 })).toMatchObject({
    cpuMillis: 500,
    memoryMib: 64,
  });
});

test('parseOsRelease() takes values with and without quotes', () => {
  const text = '# note\nID=debian\nVERSION_ID="12"\nNAME=\'A B\'\nPRETTY="say \\"hi\\""\nEMPTY=\n';
  expect(Object.fromEntries(parseOsRelease(text))).toEqual({
    ID: 'debian',
    VERSION_ID: '12',
    NAME: 'A B',
    PRETTY: 'say "hi"',
    EMPTY: '',
  });
});

test('readNodeHealth() gives memory and disk in bytes', async () => {
  const health = await readNodeHealth(tmpdir());
  expect(health.memoryAvailableBytes).toBeGreaterThan(2 ** 20);
  expect(health.diskFreeBytes).toBeGreaterThan(2 ** 20);
  expect(health.load).toBeGreaterThanOrEqual(0);
});
