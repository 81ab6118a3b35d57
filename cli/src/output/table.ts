import { cutToWidth, oneLine, textWidth } from './cell-text.ts';
import { paint, type Style, type Tone } from './style.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Only in wide output. */
  readonly wide?: boolean;
  /** May be cut down to so many characters; not given: never cut, unless nothing else helps. */
  readonly widthMin?: number;
  /** Where it is cut; names in the middle, sentences at their end. */
  readonly cut?: 'middle' | 'end';
}

export type Cell = string | { readonly text: string; readonly tone: Tone | undefined };

const GAP = '  ';
/** When even the columns that may be cut are not enough. */
const WIDTH_MIN_LAST = 3;

/**
 * A table with a line of titles, fitted to the style's width: columns that may be cut give way, the widest first, so
 * that short ones stay whole.
 */
export function renderTable(columns: readonly Column[], rows: readonly (readonly Cell[])[], style: Style): string {
  const shown = columns
    .map((column, index) => ({ ...column, index }))
    .filter(({ wide }) => style.wide || wide !== true);
  const titles = shown.map(({ title }): Cell => ({ text: title, tone: 'strong' }));
  const lines = [titles, ...rows.map((row) => shown.map(({ index }) => row[index] ?? ''))];
  const widths = fitWidths(
    shown,
    shown.map((_, place) => Math.max(...lines.map((line) => textWidth(cellText(line[place] ?? ''))))),
    style.width,
  );
  return lines
    .map((line) => {
      const cells = shown.map((column, place) => {
        const cell = line[place] ?? '';
        const width = widths[place] ?? 0;
        const text = cutToWidth(cellText(cell), width, column.cut ?? 'middle');
        const space = ' '.repeat(Math.max(0, width - textWidth(text)));
        const painted = paint(text, typeof cell === 'string' ? undefined : cell.tone, style);
        if (column.align === 'right') return space + painted;
        return place === shown.length - 1 ? painted : painted + space;
      });
      return `${cells.join(GAP).trimEnd()}\n`;
    })
    .join('');
}

function cellText(cell: Cell): string {
  return oneLine(typeof cell === 'string' ? cell : cell.text);
}

function fitWidths(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  const total = () => widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1);
  const shrink = (minimumOf: (column: Column) => number) => {
    while (total() > width) {
      let widest = -1;
      for (const [place, column] of columns.entries()) {
        const now = widths[place] ?? 0;
        if (now > Math.max(minimumOf(column), column.title.length) && now > (widths[widest] ?? 0)) widest = place;
      }
      if (widest < 0) return;
      widths[widest] = (widths[widest] ?? 0) - 1;
    }
  };
  shrink((column) => column.widthMin ?? Number.POSITIVE_INFINITY);
  shrink(() => WIDTH_MIN_LAST);
  return widths;
}
