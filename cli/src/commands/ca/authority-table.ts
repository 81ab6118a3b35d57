import type { Authority } from '@cell/sdk';
import type { Style } from '../../output/style.ts';
import { type Column, renderTable } from '../../output/table.ts';
import { age, untilText } from '../../output/timestamp-text.ts';

const COLUMNS: readonly Column[] = [
  { title: 'AUTHORITY' },
  { title: 'STATUS' },
  { title: 'NODES', align: 'right' },
  { title: 'TOKENS', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'ENDS', align: 'right' },
  { title: 'PIN', wide: true },
  { title: 'WHICH NODES', wide: true },
];

export function renderAuthorities(authorities: readonly Authority[], style: Style): string {
  const rows = authorities.map(({ id, issuing, nodes, tokens, createdAt, expiresAt, pin, nodeNames }) => [
    id,
    { text: issuing ? 'issues' : 'trusted', tone: issuing ? ('good' as const) : undefined },
    String(nodes),
    String(tokens),
    age(createdAt, style),
    expiresAt === undefined ? '' : untilText(expiresAt, style, 'short'),
    pin,
    namedNodes(nodes, nodeNames),
  ]);
  return renderTable(COLUMNS, rows, style);
}

function namedNodes(count: number, names: readonly string[]): string {
  const more = count - names.length;
  return [...names, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}
