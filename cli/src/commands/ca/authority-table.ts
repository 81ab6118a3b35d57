import type { Authority } from '@cell/sdk';
import type { Style } from '../../output/style.ts';
import { type Column, renderTable } from '../../output/table.ts';
import { age, untilText } from '../../output/timestamp-text.ts';

const COLUMNS: readonly Column[] = [
  { title: 'AUTHORITY' },
  { title: 'STATUS' },
  { title: 'NODES', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'ENDS', align: 'right' },
  { title: 'PIN', wide: true },
  { title: 'WHICH NODES', wide: true },
];

export function renderAuthorities(authorities: readonly Authority[], style: Style): string {
  const rows = authorities.map(({ id, issuing, nodes, createdAt, expiresAt, pin, nodeNames }) => [
    id,
    { text: issuing ? 'issues' : 'trusted', tone: issuing ? ('good' as const) : undefined },
    String(nodes),
    age(createdAt, style),
    expiresAt === undefined ? '' : untilText(expiresAt, style, 'short'),
    pin,
    nodes > nodeNames.length ? `${nodeNames.join(', ')}, …`.replace(/^, /, '') : nodeNames.join(', '),
  ]);
  return renderTable(COLUMNS, rows, style);
}
