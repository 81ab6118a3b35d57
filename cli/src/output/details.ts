import { oneLine, textWidth } from './cell-text.ts';
import { paint, type Style } from './style.ts';
import type { Cell } from './table.ts';
import { wrapText } from './wrap-text.ts';

/** Names and values, one below the other; long values go on below themselves. Lines without a value are left out. */
export function renderDetails(rows: readonly (readonly [name: string, value: Cell])[], style: Style): string {
  const shown = rows.filter(([, value]) => value !== '');
  const width = Math.max(...shown.map(([name]) => textWidth(name))) + 2;
  const indent = `\n${' '.repeat(width)}`;
  return shown
    .map(([name, value]) => {
      const text = oneLine(typeof value === 'string' ? value : value.text);
      const wrapped = wrapText(text, style.width - width).replaceAll('\n', indent);
      const painted = typeof value === 'string' ? wrapped : paint(wrapped, value.tone, style);
      return `${paint(name, 'strong', style)}${' '.repeat(width - textWidth(name))}${painted}\n`;
    })
    .join('');
}
