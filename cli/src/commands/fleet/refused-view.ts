import type { RefusedCallers } from '@cell/sdk';
import { printable } from '../../output/cell-text.ts';
import { paint, type Style } from '../../output/style.ts';
import { age } from '../../output/timestamp-text.ts';
import { countOf } from '../../output/units.ts';
import { wrapText } from '../../output/wrap-text.ts';

/** Who was not let in, one paragraph for each cause; empty if nobody was refused. */
export function renderRefused(refused: readonly RefusedCallers[], style: Style): string {
  if (refused.length === 0) return '';
  const causes = refused.map((each) => {
    const { kind, message, advice } = each;
    const who = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
    const mark = each.goesOn ? paint('WARNING', 'warning', style) : 'OVER';
    return `${mark}\n  ${indented(`${who}: ${message}; ${often(each, style)}`, style)}\n  ${indented(advice, style)}\n`;
  });
  return `Not let in during the last hour:\n${causes.join('')}`;
}

/** "12 times, last 30s ago, from 10.0.0.7 and 2 more addresses". */
function often({ count, lastAt, lastFrom, addresses }: RefusedCallers, style: Style): string {
  const times = count === 1n ? 'once,' : `${count} times, last`;
  const more = addresses > 1 ? ` and ${countOf(addresses - 1, 'more address', 'more addresses')}` : '';
  const from = lastFrom === '' ? '' : `, from ${lastFrom}${more}`;
  return `${times} ${age(lastAt, style)} ago${from}`;
}

function indented(text: string, { width }: Style): string {
  return wrapText(printable(text), width - 2).replaceAll('\n', '\n  ');
}
