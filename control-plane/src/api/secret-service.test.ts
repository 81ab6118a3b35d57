import { AgentService, IdentityService, SecretService } from '@cell/proto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { addNode, place, report } from '../execute/testing/example-fleet.ts';
import { authorityPurpose, secretPurpose } from '../model/identity.ts';
import { exampleSpec } from '../state/testing/fleet-arbitraries.ts';
import { paperAuthority } from './testing/paper-authority.ts';
import { PaperMember } from './testing/paper-member.ts';
import { nobody, node, person, ToldGuard } from './testing/paper-people.ts';

const { setSecret, listSecrets, removeSecret } = SecretService.method;

let guard: ToldGuard;
let member: PaperMember;

beforeEach(async () => {
  guard = new ToldGuard();
  member = await PaperMember.start(guard);
});

afterEach(() => member.stop());

const state = () => member.consensus.state;

/** Code and text of the refusal. */
async function refusal(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => undefined,
    (cause: { code: string; message: string }) => cause,
  );
  return error === undefined ? 'done' : `${error.code}: ${error.message}`;
}

function set(name: string, value: string | Uint8Array, namespace = '') {
  return member.call(setSecret, { name, namespace, value: new Uint8Array(Buffer.from(value)) });
}

function addJob(name: string, secrets: Record<string, string>, namespace = 'default'): void {
  const resources = { cpuMillis: 10, memoryMib: 1 };
  const spec = exampleSpec({ name, namespace, secrets, credentials: {}, count: 1, resources, ports: [] });
  member.consensus.write({ kind: 'submit-job', timeMs: 0, spec, expectedIndex: undefined });
}

/** As the node that it is on, or another. */
async function fetch(allocationId: string, nodeId = 'n1'): Promise<Record<string, string>> {
  guard.caller = node(nodeId);
  try {
    const { values } = await member.call(AgentService.method.fetchSecrets, { allocationId });
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Buffer.from(value).toString()]));
  } finally {
    guard.caller = person();
  }
}

test('a secret is stored sealed for what it is, and nobody is told its value', async () => {
  const { secret } = await set('database', 'swordfish');
  const known = { namespace: 'default', name: 'database', version: 1, sizeBytes: 9, jobs: [] };
  expect(secret).toMatchObject({ ...known, changedBy: 'token/root (aaaaaaaaaa)' });
  const row = state().secrets.get('default/database')!;
  expect(Buffer.from(member.vault.open(row.sealed, secretPurpose(row))).toString()).toBe('swordfish');
  const audit = { method: 'SecretService/SetSecret', subject: 'secret/default/database', outcome: 'ok' };
  expect(state().audit.at(-1)).toMatchObject(audit);
  expect((await set('database', 'tuna')).secret).toMatchObject({ version: 2, sizeBytes: 4 });
  const shown = JSON.stringify([member.consensus.commands, state().audit, await member.call(listSecrets, {})], plain);
  expect(shown).not.toMatch(/swordfish|tuna/);
  await member.call(removeSecret, { name: 'database' });
  expect(state().secrets.size).toBe(0);
  expect(await refusal(member.call(removeSecret, { name: 'database' }))).toMatch(/^CELL_E_NOT_FOUND/);
});

function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

test('secrets are listed by name, with the jobs that name them', async () => {
  await set('b', 'x');
  await set('a', 'x');
  await set('a', 'x', 'team-a');
  addJob('web', { key: 'a', 'second-key': 'a' });
  addJob('api', { key: 'a' });
  addJob('old', { key: 'b' });
  addJob('other', { key: 'a' }, 'team-a');
  member.consensus.write({ kind: 'stop-job', timeMs: 0, name: 'old' });
  const list = async (namespace = '') => {
    const { secrets } = await member.call(listSecrets, { namespace });
    return secrets.map((secret) => `${secret.namespace}/${secret.name}: ${secret.jobs.join(' ')}`);
  };
  expect(await list()).toEqual(['default/a: api web', 'default/b: ', 'team-a/a: other']);
  expect(await list('team-a')).toEqual(['team-a/a: other']);
  guard.caller = person({ role: 'operator', namespace: 'team-a' });
  expect(await list()).toEqual(['team-a/a: other']);
  expect(await refusal(list('default'))).toMatch(/^CELL_E_FORBIDDEN: This token is for namespace "team-a" only/);
});

test('a token that is limited to a namespace sets and removes nothing outside of it', async () => {
  await set('a', 'x');
  guard.caller = person({ role: 'operator', namespace: 'team-a' });
  expect(await refusal(set('a', 'y', 'default'))).toMatch(/^CELL_E_FORBIDDEN/);
  expect(await refusal(member.call(removeSecret, { name: 'a', namespace: 'default' }))).toMatch(/^CELL_E_FORBIDDEN/);
  expect(await refusal(set('a', 'y', 'team-a'))).toBe('done');
  for (const caller of [node('n1'), nobody]) {
    guard.caller = caller;
    expect(await refusal(set('a', 'y'))).toMatch(/^CELL_E_FORBIDDEN/);
    expect((await member.call(listSecrets, {})).secrets).toEqual([]);
  }
  expect(state().secrets.get('default/a')?.version).toBe(1);
});

test('a token that is limited to a namespace need not name it', async () => {
  await set('a', 'x');
  guard.caller = person({ role: 'operator', namespace: 'team-a' });
  expect((await set('a', 'y')).secret).toMatchObject({ namespace: 'team-a', version: 1 });
  await member.call(removeSecret, { name: 'a' });
  expect([...state().secrets.keys()]).toEqual(['default/a']);
});

test('what is no secret is refused, without its value', async () => {
  const large = await refusal(set('a', 'swordfish'.repeat(10_000)));
  expect(large).toBe('CELL_E_LIMIT: The value of secret "a" has 90000 bytes of at most 65536');
  expect(await refusal(set('a', new Uint8Array(65_536)))).toBe('done');
  expect(await refusal(set('a', ''))).toMatch(/^CELL_E_INVALID: Secret "a" has no value/);
  expect(await refusal(set('a/b', 'x'))).toMatch(/^CELL_E_INVALID: Secret can't be called "a\/b"/);
  expect(await refusal(set('', 'x'))).toMatch(/^CELL_E_INVALID: Secret can't be called ""/);
  expect(await refusal(set('a', 'x', 'Team'))).toMatch(/^CELL_E_INVALID: Namespace can't be called "Team"/);
});

test('a node gets what its allocations name, and nothing of others', async () => {
  addNode(member.consensus, 'n1');
  addNode(member.consensus, 'n2');
  await set('database', 'swordfish');
  await set('unnamed', 'tuna');
  await set('database', 'cod', 'team-a');
  addJob('web', { password: 'database' });
  addJob('other', { password: 'database' }, 'team-a');
  const web = place(member.consensus, 'web', 0, 'n1');
  const other = place(member.consensus, 'other', 0, 'n2');
  expect(await fetch(web)).toEqual({ password: 'swordfish' });
  expect(await fetch(other, 'n2')).toEqual({ password: 'cod' });
  const foreign = await refusal(fetch(web, 'n2'));
  expect(foreign).toBe(`CELL_E_NOT_FOUND: Nothing called "${web}" shall run on node "n2"`);
  expect(await refusal(fetch('NO-SUCH', 'n2'))).toBe(foreign.replace(web, 'NO-SUCH'));
  guard.caller = person();
  const asked = member.call(AgentService.method.fetchSecrets, { allocationId: web });
  expect(await refusal(asked)).toMatch(/^CELL_E_FORBIDDEN: Only a node may do this/);
});

test('what has ended gets no secrets any more', async () => {
  addNode(member.consensus, 'n1');
  await set('database', 'swordfish');
  addJob('web', { password: 'database' });
  const id = place(member.consensus, 'web', 0, 'n1');
  const reports = [report(member.consensus, id, 'failed')];
  member.consensus.write({ kind: 'report-allocations', timeMs: 0, reports });
  expect(await refusal(fetch(id))).toMatch(/^CELL_E_NOT_FOUND/);
});

test('an older version of a job gets what it names itself, in its newest value', async () => {
  addNode(member.consensus, 'n1');
  await set('old', 'cod');
  addJob('web', { password: 'old' });
  const id = place(member.consensus, 'web', 0, 'n1');
  addJob('web', { password: 'new' });
  expect(await fetch(id)).toEqual({ password: 'cod' });
  await set('old', 'haddock');
  expect(await fetch(id)).toEqual({ password: 'haddock' });
  await member.call(removeSecret, { name: 'old' });
  expect(await refusal(fetch(id))).toMatch(/^CELL_E_NOT_FOUND: Secret "old" of namespace "default", which job "web"/);
});

test('secrets are given also while there is no leader', async () => {
  addNode(member.consensus, 'n1');
  await set('database', 'swordfish');
  addJob('web', { password: 'database' });
  const id = place(member.consensus, 'web', 0, 'n1');
  member.consensus.lead({ leaderId: 0, leading: false, term: 2 });
  expect(await fetch(id)).toEqual({ password: 'swordfish' });
});

const rotate = () => member.call(IdentityService.method.rotateKey, {});

test('with another key, all that is sealed is sealed anew, and the values stay', async () => {
  const authority = paperAuthority();
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority, tokens: [] });
  const size = 50_000;
  for (let secret = 0; secret < 30; secret += 1) await set(`s${secret}`, `${secret}`.padEnd(size));
  const before = member.consensus.commands.length;
  expect(await rotate()).toMatchObject({ keyId: 'key2', sealed: 31 });
  expect(member.sentKeys).toEqual(['key2 to member 1', 'key2 to member 2', 'key2 to member 3']);
  const reseals = member.consensus.commands.slice(before).filter((command) => command.kind === 'reseal');
  expect(reseals.map(({ authorities, secrets }) => [authorities.length > 0, secrets.length > 0])).toEqual([
    [true, false],
    [false, true],
    [false, true],
  ]);
  for (const command of reseals) expect(JSON.stringify(command).length).toBeLessThan(1.1 * 1024 * 1024);
  expect(state().authorities[0]!.sealedKey).toMatch(/^key2\./);
  const opened = member.vault.open(state().authorities[0]!.sealedKey, authorityPurpose(authority.id));
  expect(opened).toEqual(member.vault.open(authority.sealedKey, authorityPurpose(authority.id)));
  for (const row of state().secrets.values()) {
    expect(row).toMatchObject({ version: 1, sealed: expect.stringMatching(/^key2\./) });
    expect(
      Buffer.from(member.vault.open(row.sealed, secretPurpose(row)))
        .toString()
        .trim(),
    ).toBe(row.name.slice(1));
  }
  const noted = state().audit.filter((entry) => entry.method === 'IdentityService/RotateKey');
  expect(noted.map(({ subject }) => subject)).toEqual(['key/key2']);
  expect((await set('later', 'x')).secret?.version).toBe(1);
  expect(state().secrets.get('default/later')?.sealed).toMatch(/^key2\./);
});

test('while a member is away the key stays as it is', async () => {
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority: paperAuthority(), tokens: [] });
  await set('a', 'x');
  const { sealed } = state().secrets.get('default/a')!;
  member.reachable.delete(3);
  const refused = await refusal(rotate());
  expect(refused).toMatch(
    /^CELL_E_PEER_UNREACHABLE: The key was not changed, since all members must have the new one, and member 3 did not get it: .*remove 3"$/,
  );
  expect(state().secrets.get('default/a')!.sealed).toBe(sealed);
  expect(member.vault.keyId).toBe('key1');
  await set('b', 'x');
  expect(state().secrets.get('default/b')!.sealed).toMatch(/^key1\./);
  member.reachable.add(3);
  expect(await rotate()).toMatchObject({ sealed: 3 });
});

/** While the secrets are sealed anew: the member that does that finds it out by itself. */
function whileResealing(change: () => void): void {
  let changed = false;
  member.consensus.failure = (command) => {
    if (command.kind !== 'reseal' || command.secrets.length === 0 || changed) return undefined;
    changed = true;
    change();
    return undefined;
  };
}

function writeSecret(value: string, keyId: string) {
  const sealed = member.vault.seal(Buffer.from(value), 'secret/default/a', keyId);
  const secret = { namespace: 'default', name: 'a', sealed, sizeBytes: 3, changedBy: 'somebody' };
  return member.consensus.write({ kind: 'set-secret', timeMs: 0, secret });
}

function found(name: string): { keyId: string | undefined; value: string } {
  const row = state().secrets.get(`default/${name}`)!;
  return {
    keyId: row.sealed.split('.')[0],
    value: Buffer.from(member.vault.open(row.sealed, secretPurpose(row))).toString(),
  };
}

test('a secret that is set while all are sealed anew keeps its newest value', async () => {
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority: paperAuthority(), tokens: [] });
  await set('a', 'old');
  whileResealing(() => writeSecret('new', 'key2'));
  await rotate();
  expect(found('a')).toEqual({ keyId: 'key2', value: 'new' });
});

test('a value that comes late, sealed with the key before, is not taken', async () => {
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority: paperAuthority(), tokens: [] });
  await set('a', 'old');
  const results: unknown[] = [];
  whileResealing(() => results.push(writeSecret('new', 'key1')));
  await rotate();
  results.push(writeSecret('new', 'key1'));
  const refused = { ok: false, code: 'CELL_E_CONFLICT' };
  expect(results).toMatchObject([refused, refused]);
  expect(found('a')).toEqual({ keyId: 'key2', value: 'old' });
});

test('a change of the key ends only when what this member did not know of is sealed anew too', async () => {
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority: paperAuthority(), tokens: [] });
  await set('a', 'old');
  const barrier = vi.spyOn(member.consensus, 'readBarrier');
  barrier.mockResolvedValueOnce(undefined).mockImplementationOnce(async () => {
    const row = state().secrets.get('default/a')!;
    const sealed = member.vault.seal(Buffer.from('late'), 'secret/default/late', 'key1');
    member.consensus.tables.identity.putSecret({ ...row, name: 'late', sealed });
  });
  expect(await rotate()).toMatchObject({ sealed: 3 });
  expect(found('late')).toEqual({ keyId: 'key2', value: 'late' });
});

test('who is overtaken by another member that changes the key says so, and undoes nothing', async () => {
  const authority = paperAuthority();
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority, tokens: [] });
  await set('a', 'old');
  await member.vault.addKey({ id: 'key9', key: new Uint8Array(32), createdAtMs: 0 });
  whileResealing(() => {
    const { id, sealedKey, modifyIndex } = state().authorities[0]!;
    const next = { id, sealedKey: sealedKey.replace('key2', 'key9'), modifyIndex };
    member.consensus.write({ kind: 'reseal', timeMs: 0, secrets: [], authorities: [next] });
  });
  expect(await refusal(rotate())).toMatch(/^CELL_E_CONFLICT: The key "key9" of another change.*is in force/);
  expect(state().authorities[0]!.sealedKey).toMatch(/^key9\./);
  expect(found('a')).toEqual({ keyId: 'key1', value: 'old' });
  // The next one takes it all.
  expect(await rotate()).toMatchObject({ sealed: 2 });
  expect(found('a')).toEqual({ keyId: 'key3', value: 'old' });
});

test('a value is sealed with the key that the state says, also while the vault does not follow yet', async () => {
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority: paperAuthority(), tokens: [] });
  await rotate();
  vi.spyOn(member.vault, 'keyId', 'get').mockReturnValue('key1');
  await set('a', 'new');
  expect(found('a')).toEqual({ keyId: 'key2', value: 'new' });
});

test('one member changes the key once at a time', async () => {
  member.consensus.write({ kind: 'found-authority', timeMs: 0, authority: paperAuthority(), tokens: [] });
  const both = await Promise.all([refusal(rotate()), refusal(rotate())]);
  expect(both.sort()).toEqual([expect.stringMatching(/^CELL_E_CONFLICT: The key is being changed already/), 'done']);
});

test('a peer that sends a key has it kept', async () => {
  await member.served.keySent({ id: 'key9', key: new Uint8Array(32), createdAtMs: 0 });
  expect(member.vault.keys.has('key9')).toBe(true);
});

test('a member that the state does not name gets no key, whatever certificate it has', async () => {
  const founder = (id: number) => ({ id, grpc: `g${id}`, peers: `p${id}`, http: `h${id}`, incarnation: `i${id}` });
  member.consensus.write({ kind: 'found-members', timeMs: 0, members: [founder(1), founder(2)] });
  await rotate();
  expect(member.sentKeys).toEqual(['key2 to member 1', 'key2 to member 2']);
});
