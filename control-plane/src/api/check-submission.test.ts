import { expect, test } from 'vitest';
import { CellError } from '../cell-error.ts';
import { MemoryConsensus } from '../execute/testing/memory-consensus.ts';
import type { Caller } from '../ports.ts';
import { exampleSpec } from '../state/testing/fleet-arbitraries.ts';
import { checkOwner, checkSecrets, checkSubmission } from './check-submission.ts';

function person(namespace?: string): Caller {
  return { kind: 'person', tokenId: 't', name: 'ci', role: 'operator', namespace, certificateExpiresAtMs: undefined };
}

function said(check: () => void): string {
  try {
    check();
    return 'ok';
  } catch (error) {
    return error instanceof CellError ? `${error.code}: ${error.message}` : String(error);
  }
}

const own = { namespace: 'team-a' };

test.each([
  ['its own namespace', {}, 'ok'],
  ['another namespace', { namespace: 'team-b' }, 'CELL_E_FORBIDDEN'],
  ['the namespace that no job file names', { namespace: 'default' }, 'CELL_E_FORBIDDEN'],
  ['a namespace that begins alike', { namespace: 'team-ab' }, 'CELL_E_FORBIDDEN'],
  ['no sandbox', { sandbox: 'none' }, 'sandbox = "none"'],
  ['a strict sandbox', { sandbox: 'strict' }, 'ok'],
  ['a user', { user: 'root' }, 'user'],
  ['a user of its own', { dynamicUser: true }, 'ok'],
  ['devices', { devices: ['/dev/kvm:rw'] }, 'devices'],
  ["credentials of the node's folder", { credentials: { key: 'shared' } }, 'credentials'],
  ["assignments of the node's folder", { environmentFiles: ['shared.env'] }, 'environment_files'],
  ['secrets of its namespace', { secrets: { key: 'database' } }, 'ok'],
  ['several', { user: 'root', devices: ['/dev/kvm:r'] }, 'user, devices'],
] as const)('a limited token that asks for %s', (_what, changes, answer) => {
  const spec = exampleSpec({ name: 'web', ...own, ...changes });
  expect(said(() => checkSubmission(person('team-a'), spec))).toContain(answer);
  expect(said(() => checkSubmission(person(), spec))).toBe('ok');
});

test('refusals say what to write', () => {
  const elsewhere = exampleSpec({ name: 'web', namespace: 'default' });
  expect(said(() => checkSubmission(person('team-a'), elsewhere))).toBe(
    'CELL_E_FORBIDDEN: The token is limited to the namespace "team-a", and job "web" is in "default"; write namespace = ' +
      '"team-a" in its job file',
  );
  const shared = exampleSpec({ name: 'web', ...own, user: 'root' });
  expect(said(() => checkSubmission(person('team-a'), shared))).toMatch(/asks for user: .* Leave it out/);
});

test('secrets must be there, in the namespace of the job', () => {
  const { state } = filled();
  const spec = exampleSpec({ name: 'web', ...own, secrets: { a: 'database', b: 'mail' } });
  expect(said(() => checkSecrets(state, exampleSpec({ ...own, secrets: { a: 'database' } })))).toBe('ok');
  expect(said(() => checkSecrets(state, spec))).toBe(
    'CELL_E_NOT_FOUND: Job "web" needs what is not there: secret "mail" is not set in the namespace "team-a"; say ' +
      '"cellctl secret set mail --namespace team-a" first',
  );
  const other = exampleSpec({ namespace: 'team-b', secrets: { a: 'database' } });
  expect(said(() => checkSecrets(state, other))).toMatch(/CELL_E_NOT_FOUND/);
});

test('a job stays in its namespace', () => {
  const { state } = filled();
  expect(said(() => checkOwner(state, exampleSpec({ name: 'web', ...own })))).toBe('ok');
  expect(said(() => checkOwner(state, exampleSpec({ name: 'new', ...own })))).toBe('ok');
  expect(said(() => checkOwner(state, exampleSpec({ name: 'web', namespace: 'team-b' })))).toMatch(/CELL_E_CONFLICT/);
});

function filled(): MemoryConsensus {
  const consensus = new MemoryConsensus();
  const spec = exampleSpec({ name: 'web', ...own });
  consensus.write({ kind: 'submit-job', timeMs: 0, spec, expectedIndex: undefined });
  const secret = { ...own, name: 'database', sealed: 'sealed', sizeBytes: 6, changedBy: 'test' };
  consensus.write({ kind: 'set-secret', timeMs: 0, secret });
  return consensus;
}
