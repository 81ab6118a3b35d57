import type { Authority } from '@cell/sdk';
import { paint, type Style } from '../../output/style.ts';
import { untilText } from '../../output/timestamp-text.ts';
import { countOf } from '../../output/units.ts';
import { wrapText } from '../../output/wrap-text.ts';

/** Of those that were replaced: until when they stay, and who has to do something before that. Empty if there are none. */
export function renderReplaced(authorities: readonly Authority[], style: Style): string {
  return authorities
    .filter(({ issuing }) => !issuing)
    .map((authority) => `\n${wrapText(stays(authority, style), style.width)}\n${pinning(authority, style)}`)
    .join('');
}

function stays({ id, retiresAt, nodes }: Authority, style: Style): string {
  const until = retiresAt === undefined ? 'until it is retired' : `until ${untilText(retiresAt, style)}`;
  const who =
    nodes === 0
      ? 'no node has a certificate from it any more'
      : `${countOf(nodes, 'node has a certificate', 'nodes have certificates')} from it, to be renewed by then`;
  return `Authority ${id} stays trusted ${until}: ${who}`;
}

function pinning({ tokens }: Authority, style: Style): string {
  if (tokens === 0) return '';
  const what = countOf(tokens, 'token that pins it is', 'tokens that pin it are');
  const advice =
    `${what} still good: make new ones before that ("cellctl token list" shows all that there are), or give --cacert ` +
    'with them afterwards';
  return `${paint(wrapText(advice, style.width), 'warning', style)}\n`;
}
