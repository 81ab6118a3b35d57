import type { JobSpec } from '@cell/job';
import { expect, test } from 'vitest';
import { exampleInventory, exampleSpec, TestFleet } from '../testing/fleet-arbitraries.ts';
import { decodeCommand } from './command-codec.ts';
import { restoreTables } from './restore-tables.ts';
import { inventoryShape } from './row-shapes.ts';
import { captureTables } from './snapshot.ts';
import { canonicalSpec } from './spec-shape.ts';

/** What specifications have since nodes can shut instances off and limit them. */
const since = [
  'sandbox',
  'dynamicUser',
  'limits',
  'network',
  'directories',
  'credentials',
  'environmentFiles',
  'devices',
] as const;

function olderSpec(spec: JobSpec): Record<string, unknown> {
  const older: Record<string, unknown> = { ...spec };
  for (const field of since) delete older[field];
  return older;
}

test('a specification of an earlier version asks for nothing that there was not then', () => {
  const spec = exampleSpec({ user: 'www-data' });
  expect(JSON.stringify(canonicalSpec(olderSpec(spec) as unknown as JobSpec))).toBe(
    JSON.stringify(canonicalSpec(spec)),
  );
});

test('a job of a snapshot of an earlier version is the same job when it is submitted again', async () => {
  const fleet = new TestFleet();
  fleet.node('n1', { capabilities: ['exec'] });
  fleet.submit();
  fleet.submit({ count: 2 });
  const lines = Buffer.concat([...captureTables(fleet.tables)])
    .toString()
    .split('\n');
  const older = lines.map((line) => {
    const value = line === '' ? undefined : (JSON.parse(line) as { spec?: JobSpec; inventory?: object });
    if (value?.spec !== undefined) return JSON.stringify({ ...value, spec: olderSpec(value.spec) });
    return line.replace(',"capabilities":["exec"]', '');
  });
  const text = older.join('\n');
  expect(text).not.toMatch(/sandbox|capabilities/);
  const restored = new TestFleet(await restoreTables([Buffer.from(text)]));
  expect([...restored.tables.jobs]).toStrictEqual([...fleet.tables.jobs]);
  expect([...restored.tables.versionsOfJob('web')]).toStrictEqual([...fleet.tables.versionsOfJob('web')]);
  expect(restored.tables.nodes.get('id-n1')?.inventory).toStrictEqual(exampleInventory());
  restored.submit({ count: 2 });
  expect(restored.tables.jobs.get('web')?.version).toBe(2);
});

test('a command of an earlier version that is still in the log submits the same job', () => {
  const spec = exampleSpec();
  const bytes = Buffer.from(JSON.stringify({ v: 1, kind: 'submit-job', timeMs: 5, spec: olderSpec(spec) }));
  expect(decodeCommand(bytes)).toStrictEqual({ kind: 'submit-job', timeMs: 5, spec, expectedIndex: undefined });
});

test.each<[string, Record<string, unknown>]>([
  ['sandbox', { sandbox: 'loose' }],
  ['sandbox', { sandbox: null }],
  ['dynamicUser', { dynamicUser: 1 }],
  ['limits.tasksMax', { limits: { ...exampleSpec().limits, tasksMax: -1 } }],
  ['limits.memoryMaxMib', { limits: {} }],
  ['network.deny', { network: { private: false, allow: [] } }],
  ['directories[0]', { directories: ['data'] }],
  ['credentials.a', { credentials: { a: 1 } }],
])('a specification with a wrong %s is refused', (path, changes) => {
  expect(() => canonicalSpec({ ...exampleSpec(), ...changes })).toThrow(`at "spec.${path}"`);
});

test('equal specifications are equal as JSON, whatever the order of their fields', () => {
  const spec = exampleSpec({ credentials: { b: '1', a: '2' }, limits: { ...exampleSpec().limits, tasksMax: 3 } });
  const turned = Object.fromEntries(Object.entries(spec).reverse()) as unknown as JobSpec;
  const limits = Object.fromEntries(Object.entries(spec.limits).reverse()) as unknown as JobSpec['limits'];
  const other = { ...turned, limits, credentials: { a: '2', b: '1' } };
  expect(JSON.stringify(canonicalSpec(other))).toBe(JSON.stringify(canonicalSpec(spec)));
});

test('what a node can is kept in the order in which it came', () => {
  const inventory = exampleInventory({ capabilities: ['a', 'b'] });
  expect(inventoryShape(inventory, '').capabilities).toEqual(['a', 'b']);
  expect(() => inventoryShape({ ...inventory, capabilities: 'exec' }, '')).toThrow('a list at "capabilities"');
});
