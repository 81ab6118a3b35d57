import { expect, test } from 'vitest';
import { parseSubject, type Subject, subjectOf, subjectText, subjectUri } from './subject.ts';

const SUBJECTS: readonly Subject[] = [
  { kind: 'member', id: 1 },
  { kind: 'member', id: 1_000_000 },
  { kind: 'node', id: '0b7c2f1e-6b1f-4f0a-9d1c-2a3b4c5d6e7f' },
  { kind: 'token', id: 'abcdefghij' },
];

test.each(SUBJECTS)('$kind $id is found in a certificate that names it alone', (subject) => {
  expect(parseSubject(subjectUri(subject))).toEqual(subject);
  expect(subjectOf(`URI:${subjectUri(subject)}`)).toEqual(subject);
  expect(subjectText(subject)).toBe(`${subject.kind} "${subject.id}"`);
});

test.each([
  undefined,
  '',
  'cell:member:1',
  'DNS:cell:member:1',
  'URI:cell:member:1, URI:cell:member:2',
  'URI:cell:member:1, DNS:localhost',
  'DNS:localhost, URI:cell:member:1',
  'URI:"cell:member:1"',
  'URI:cell:member:0',
  'URI:cell:member:01',
  'URI:cell:member:-1',
  'URI:cell:member:1.5',
  'URI:cell:member:99999999',
  'URI:cell:member:one',
  'URI:cell:admin:1',
  'URI:cell:node:',
  'URI:cell:node:a b',
  'URI:cell:node:a/../b',
  'URI:cell:node:-a',
  `URI:cell:node:${'a'.repeat(65)}`,
  'URI:cell:node:a\n',
  'URI:cell:node:a:b',
  'URI:CELL:member:1',
])('a certificate that says %j names nobody', (subjectAltName) => {
  expect(subjectOf(subjectAltName)).toBeUndefined();
});
