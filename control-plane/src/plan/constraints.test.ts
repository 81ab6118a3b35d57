import type { Constraint } from '@cell/job';
import { expect, test } from 'vitest';
import { describeConstraint, meetsConstraint } from './constraints.ts';

const attributes = { 'kernel.name': 'linux', 'gpu.count': '2', empty: '' };

type Row = readonly [met: boolean, attribute: string, operator: Constraint['operator'], value: string];

const rows: readonly Row[] = [
  [true, 'kernel.name', 'equal', 'linux'],
  [false, 'kernel.name', 'equal', 'Linux'],
  [false, 'absent', 'equal', 'linux'],
  [false, 'absent', 'equal', ''],
  [true, 'empty', 'equal', ''],
  [false, 'kernel.name', 'not-equal', 'linux'],
  [true, 'kernel.name', 'not-equal', 'darwin'],
  [true, 'absent', 'not-equal', 'linux'],
  [true, 'kernel.name', 'in', 'darwin, linux'],
  [false, 'kernel.name', 'in', 'darwin,linux2'],
  [false, 'absent', 'in', 'a,b'],
  [false, 'kernel.name', 'not-in', 'darwin,linux'],
  [true, 'kernel.name', 'not-in', 'darwin'],
  [true, 'absent', 'not-in', 'a'],
  [true, 'empty', 'exists', ''],
  [false, 'absent', 'exists', ''],
  [false, 'toString', 'exists', ''],
  [true, 'absent', 'not-exists', ''],
  [false, 'empty', 'not-exists', ''],
  [true, 'gpu.count', 'at-least', '2'],
  [false, 'gpu.count', 'at-least', '2.5'],
  [true, 'gpu.count', 'at-most', '2'],
  [false, 'gpu.count', 'at-most', '1'],
  [false, 'kernel.name', 'at-least', '0'],
  [false, 'gpu.count', 'at-least', 'many'],
  [false, 'empty', 'at-most', '5'],
  [false, 'absent', 'at-most', '5'],
];

test.each(rows)('it is %s that "%s" meets %s "%s"', (met, attribute, operator, value) => {
  expect(meetsConstraint({ attribute, operator, value }, attributes)).toBe(met);
});

test('a constraint is told as a sentence', () => {
  expect(describeConstraint({ attribute: 'a', operator: 'in', value: 'x, y' })).toBe('"a" must be one of "x", "y"');
  expect(describeConstraint({ attribute: 'a', operator: 'exists', value: '' })).toBe('"a" must be there');
});
