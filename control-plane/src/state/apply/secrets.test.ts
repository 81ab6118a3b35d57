import { expect, test } from 'vitest';
import type { Reseal, SetSecret } from '../commands.ts';
import { SEALED_SIZE_MAX, SECRET_BYTES_MAX, SECRETS_MAX } from '../limits.ts';
import { TestFleet } from '../testing/fleet-arbitraries.ts';
import { exampleAuthority } from '../testing/identity-arbitraries.ts';

const named = { namespace: 'team-a', name: 'database' };
const set = (fleet: TestFleet, changes: Partial<SetSecret['secret']> = {}) => {
  const secret = { ...named, sealed: 'key1.one', sizeBytes: 3, changedBy: 'token/ann (t1)', ...changes };
  return fleet.apply({ kind: 'set-secret', secret });
};
const remove = (fleet: TestFleet) => fleet.apply({ kind: 'remove-secret', ...named });
const found = (fleet: TestFleet) => fleet.tables.secrets.get('team-a/database');

test('each new value is another version, and a secret that comes again begins anew', () => {
  const fleet = new TestFleet();
  expect(set(fleet)).toMatchObject({ ok: true, version: 1 });
  expect(set(fleet, { sealed: 'key1.two', sizeBytes: 5 })).toMatchObject({ ok: true, version: 2 });
  const changed = { changedAtMs: fleet.timeMs, changedBy: 'token/ann (t1)', modifyIndex: 2 };
  expect(found(fleet)).toEqual({ ...named, version: 2, sealed: 'key1.two', sizeBytes: 5, ...changed });
  expect(fleet.change?.events).toMatchObject([{ type: 'SecretSet', subject: 'secret/team-a/database' }]);
  expect(remove(fleet)).toMatchObject({ ok: true });
  expect(fleet.change?.events).toMatchObject([{ type: 'SecretRemoved', subject: 'secret/team-a/database' }]);
  expect(remove(fleet)).toMatchObject({ ok: false, code: 'CELL_E_NOT_FOUND' });
  expect(set(fleet)).toMatchObject({ version: 1 });
});

test('the same name in two namespaces is two secrets', () => {
  const fleet = new TestFleet();
  set(fleet);
  set(fleet, { namespace: 'team-b' });
  remove(fleet);
  expect([...fleet.tables.secrets.keys()]).toEqual(['team-b/database']);
});

test('no secret is larger than the limit, and all together are not either', () => {
  const fleet = new TestFleet();
  expect(set(fleet, { sizeBytes: SECRET_BYTES_MAX + 1 })).toMatchObject({ ok: false, code: 'CELL_E_LIMIT' });
  expect(set(fleet, { sealed: 'x'.repeat(SEALED_SIZE_MAX) })).toMatchObject({ ok: true });
  expect(set(fleet, { name: 'more' })).toMatchObject({ ok: false, code: 'CELL_E_LIMIT' });
  expect(set(fleet, { sealed: 'x'.repeat(SEALED_SIZE_MAX - 8) })).toMatchObject({ ok: true });
  expect(set(fleet, { name: 'more' })).toMatchObject({ ok: true });
});

test('there are no more secrets than the limit, and those that there are can still be changed', () => {
  const fleet = new TestFleet();
  const row = {
    namespace: 'default',
    version: 1,
    sealed: 'x',
    sizeBytes: 1,
    changedAtMs: 0,
    changedBy: '',
    modifyIndex: 0,
  };
  for (let made = 1; made < SECRETS_MAX; made += 1) fleet.tables.identity.putSecret({ ...row, name: `${made}` });
  expect(set(fleet)).toMatchObject({ ok: true });
  expect(set(fleet, { name: 'more' })).toMatchObject({ ok: false, code: 'CELL_E_LIMIT' });
  expect(set(fleet)).toMatchObject({ ok: true, version: 2 });
});

test('what was sealed anew takes the place of what it was made of, and of nothing newer', () => {
  const fleet = new TestFleet();
  fleet.apply({ kind: 'found-authority', authority: exampleAuthority('ca1'), tokens: [] });
  set(fleet);
  const changedAtMs = fleet.timeMs;
  set(fleet, { name: 'changed' });
  set(fleet, { name: 'changed', sealed: 'key1.newer' });
  const result = fleet.apply({
    kind: 'reseal',
    secrets: [
      { ...named, sealed: 'key2.one', modifyIndex: 2 },
      { ...named, name: 'changed', sealed: 'key2.older', modifyIndex: 3 },
      { ...named, name: 'gone', sealed: 'key2.gone', modifyIndex: 3 },
    ],
    authorities: [
      { id: 'ca1', sealedKey: 'key2.ca1', modifyIndex: 1 },
      { id: 'ca1', sealedKey: 'key2.again', modifyIndex: 1 },
    ],
  });
  expect(result).toMatchObject({ ok: true, sealed: 2, leftOut: 3 });
  expect(found(fleet)).toMatchObject({ sealed: 'key2.one', version: 1, changedAtMs, modifyIndex: 5 });
  expect(fleet.tables.secrets.get('team-a/changed')).toMatchObject({ sealed: 'key1.newer', version: 2 });
  expect(fleet.tables.secrets.has('team-a/gone')).toBe(false);
  expect(fleet.tables.authorities).toMatchObject([{ id: 'ca1', sealedKey: 'key2.ca1', modifyIndex: 5 }]);
  expect(fleet.change).toMatchObject({ authorities: true, events: [] });
});

const reseal = (fleet: TestFleet, changes: Partial<Pick<Reseal, 'secrets' | 'authorities'>>) =>
  fleet.apply({ kind: 'reseal', secrets: [], authorities: [], ...changes });
const authorities = (fleet: TestFleet) => fleet.tables.authorities.map(({ sealedKey }) => sealedKey.split('.')[0]);

/** Two authorities and a secret, sealed with the first key, of which the one that issues is sealed with another since. */
function withOtherKey(): TestFleet {
  const fleet = new TestFleet();
  fleet.apply({ kind: 'found-authority', authority: exampleAuthority('ca1'), tokens: [] });
  fleet.apply({ kind: 'rotate-authority', after: 'ca1', authority: exampleAuthority('ca2', 'ca1') });
  set(fleet);
  reseal(fleet, { authorities: [{ id: 'ca2', sealedKey: 'key2.ca2', modifyIndex: 2 }] });
  return fleet;
}

test('what a member that is behind seals with the key before is refused, and changes nothing', () => {
  const fleet = withOtherKey();
  const refused = { ok: false, code: 'CELL_E_CONFLICT', message: expect.stringMatching(/"key1".*"key2".*try again/) };
  expect(set(fleet, { sealed: 'key1.late' })).toMatchObject(refused);
  expect(set(fleet, { name: 'new', sealed: 'key1.late' })).toMatchObject(refused);
  expect([...fleet.tables.secrets.values()]).toMatchObject([{ sealed: 'key1.one', version: 1 }]);
  const rotate = (key: string) =>
    fleet.apply({ kind: 'rotate-authority', after: 'ca2', authority: exampleAuthority('ca3', 'ca2', key) });
  expect(rotate('key1')).toMatchObject(refused);
  expect(authorities(fleet)).toEqual(['key1', 'key2']);

  expect(set(fleet, { sealed: 'key2.new' })).toMatchObject({ ok: true, version: 2 });
  expect(rotate('key2')).toMatchObject({ ok: true });
});

test('the key in force is that of the authority that issues, whatever others are sealed with', () => {
  const fleet = withOtherKey();
  const older = (key: string) => ({ authorities: [{ id: 'ca1', sealedKey: `${key}.ca1`, modifyIndex: 1 }] });
  expect(reseal(fleet, older('key3'))).toMatchObject({ sealed: 0, leftOut: 1 });
  expect(reseal(fleet, older('key2'))).toMatchObject({ sealed: 1 });
  expect(authorities(fleet)).toEqual(['key2', 'key2']);
  expect(set(fleet, { sealed: 'key3.new' })).toMatchObject({ ok: false, code: 'CELL_E_CONFLICT' });
});

test('who is overtaken by another change of the key seals nothing anew any more', () => {
  const fleet = withOtherKey();
  const secrets = [{ ...named, sealed: 'key3.one', modifyIndex: 3 }];
  expect(reseal(fleet, { secrets })).toMatchObject({ sealed: 0, leftOut: 1 });
  expect(found(fleet)).toMatchObject({ sealed: 'key1.one' });
  // The authority may be the last in the command; what follows it is sealed all the same.
  const all = [
    { id: 'ca1', sealedKey: 'key3.ca1', modifyIndex: 1 },
    { id: 'ca2', sealedKey: 'key3.ca2', modifyIndex: 4 },
  ];
  expect(reseal(fleet, { secrets, authorities: all })).toMatchObject({ sealed: 3, leftOut: 0 });
  expect(authorities(fleet)).toEqual(['key3', 'key3']);
});

test('a job stays in its namespace, also when it is stopped', () => {
  const fleet = new TestFleet();
  fleet.submit({ namespace: 'team-a' });
  const conflict = { ok: false, code: 'CELL_E_CONFLICT', message: expect.stringMatching(/"team-a".*another name/) };
  expect(fleet.submit({ namespace: 'team-b' })).toMatchObject(conflict);
  fleet.apply({ kind: 'stop-job', name: 'web' });
  expect(fleet.submit({ namespace: 'team-b' })).toMatchObject(conflict);
  expect(fleet.submit({ namespace: 'team-a' })).toMatchObject({ ok: true, version: 2 });
});
