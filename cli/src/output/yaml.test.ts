import { expect, test } from 'vitest';
import { renderYaml } from './yaml.ts';

test('lists and maps in each other', () => {
  const value = {
    nodes: [
      { name: 'a', ports: { http: 80 }, tags: [] },
      { name: 'b', ports: {}, tags: ['x', 'y z'] },
    ],
    n: null,
  };
  expect(renderYaml(value)).toBe(`nodes:
  - name: a
    ports:
      http: 80
    tags: []
  - name: b
    ports: {}
    tags:
      - x
      - y z
"n": null
`);
});

test('lists of lists', () => {
  expect(renderYaml([[1, 2], [], ['a']])).toBe('- - 1\n  - 2\n- []\n- - a\n');
});

test.each([
  ['yes', '"yes"'],
  ['', '""'],
  ['1.5', '"1.5"'],
  ['2026-01-02T03:04:05Z', '"2026-01-02T03:04:05Z"'],
  ['a: b', '"a: b"'],
  ['a #b', '"a #b"'],
  ['- a', '"- a"'],
  ['*a', '"*a"'],
  ['two\nlines', '"two\\nlines"'],
  ['ends ', '"ends "'],
  ['node-1', 'node-1'],
  ['/var/lib/cell', '/var/lib/cell'],
  ['Null', '"Null"'],
])('the text %j', (text, expected) => {
  expect(renderYaml({ key: text })).toBe(`key: ${expected}\n`);
});

test.each([
  [null, 'null\n'],
  [true, 'true\n'],
  [3, '3\n'],
  [[], '[]\n'],
  [{}, '{}\n'],
])('%j alone', (value, expected) => {
  expect(renderYaml(value)).toBe(expected);
});
