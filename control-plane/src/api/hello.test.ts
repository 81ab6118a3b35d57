import { create } from '@bufbuild/protobuf';
import { HelloSchema } from '@cell/proto';
import { expect, test } from 'vitest';
import { TestFleet } from '../state/testing/fleet-arbitraries.ts';
import { needsRegistration, readHello } from './hello.ts';
import { exampleHello } from './testing/session-transcript.ts';

function said(capabilities: string[]) {
  const hello = exampleHello('n1');
  return readHello(create(HelloSchema, { ...hello, inventory: { ...hello.inventory, capabilities } }), 'c1', []);
}

test('what a node can is sorted, each once, without names that no job can ask for', () => {
  const capabilities = ['sandbox.strict', 'exec', 'device:/dev/odd name', '', 'exec', `device:/dev/${'x'.repeat(300)}`];
  expect(said(capabilities).inventory.capabilities).toEqual(['exec', 'sandbox.strict']);
  const longest = `device:/dev/${'x'.repeat(195)}`;
  expect(said([longest]).inventory.capabilities).toEqual([longest]);
});

test('a node that says it can more than any machine is refused', () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `device:/dev/d${index}`);
  expect(said(names(4_096)).inventory.capabilities).toHaveLength(4_096);
  expect(() => said(names(4_097))).toThrow(
    'The agent said inventory.capabilities = "4097 of them"; allowed: 4096 at most',
  );
});

test('a node that says it has more disk than the state can hold is refused', () => {
  const hello = exampleHello('n1');
  const inventory = { ...hello.inventory, diskFreeMib: 2n ** 63n };
  expect(() => readHello(create(HelloSchema, { ...hello, inventory }), 'c1', [])).toThrow(
    'The agent said inventory.disk_free_mib = "9223372036854775808"; allowed: what a disk can have',
  );
});

test('a node registers again when it can more or less than before, and not when it says the same in another order', () => {
  const fleet = new TestFleet();
  const registered = said(['a', 'b']);
  fleet.apply({ kind: 'register-node', ...registered });
  const row = fleet.tables.nodes.get('n1');
  expect(needsRegistration(row, registered)).toBe(false);
  expect(needsRegistration(row, said(['b', 'a']))).toBe(false);
  expect(needsRegistration(row, said(['a']))).toBe(true);
  expect(needsRegistration(row, said(['a', 'b', 'c']))).toBe(true);
  expect(needsRegistration(row, said(['a', 'c']))).toBe(true);
});
