import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { textWidth } from './cell-text.ts';
import type { Style } from './style.ts';
import { type Column, renderTable } from './table.ts';

const style: Style = { width: 30, wide: false, colours: false, nowMs: 0 };
const columns: readonly Column[] = [
  { title: 'NAME', widthMin: 6 },
  { title: 'N', align: 'right' },
  { title: 'WHY', widthMin: 6, cut: 'end' },
  { title: 'MORE', wide: true },
];

test('columns are as wide as their widest cell, and nothing stands behind the last', () => {
  expect(
    renderTable(
      columns,
      [
        ['a', '10', 'x', 'm'],
        ['abcdef', '2', '', 'm'],
      ],
      style,
    ),
  ).toBe(['NAME     N  WHY', 'a       10  x', 'abcdef   2', ''].join('\n'));
});

test('the widest columns give way, names in their middle and sentences at their end', () => {
  const row = ['web-frontend-production-7', '3', 'there was no room', ''];
  expect(renderTable(columns, [row], style)).toBe(
    ['NAME          N  WHY', 'web-fr…ion-7  3  there was no…', ''].join('\n'),
  );
});

test('wide output has all columns and cuts nothing', () => {
  const wide = { ...style, wide: true, width: Number.POSITIVE_INFINITY };
  expect(renderTable(columns, [['n'.repeat(40), '1', 'w'.repeat(40), 'more']], wide)).toContain(
    `${'n'.repeat(40)}  1  ${'w'.repeat(40)}  more\n`,
  );
});

test('what a terminal would obey is not passed on', () => {
  const table = renderTable(columns, [['a\x1b[2Jb', '1', 'two\nlines\u202e', '']], style);
  expect(table).toContain('a\ufffd[2Jb');
  expect(table).toContain('two lines\ufffd');
});

test('colours change no width', () => {
  const rows = [[{ text: 'a', tone: 'bad' as const }, '1', 'x', '']];
  const coloured = renderTable(columns, rows, { ...style, colours: true });
  expect(coloured).toContain('\x1b[31ma\x1b[0m');
  expect(stripVTControlCharacters(coloured)).toBe(renderTable(columns, rows, style));
});

test('no line is ever wider than there is room for', () => {
  const cell = fc.string({ maxLength: 60, unit: 'grapheme-ascii' });
  const rows = fc.array(fc.tuple(cell, cell, cell, cell), { maxLength: 5 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 20, max: 120 }), (found, width) => {
      for (const line of renderTable(columns, found, { ...style, width }).split('\n')) {
        expect(textWidth(line)).toBeLessThanOrEqual(width);
      }
    }),
  );
});
