import { enumWord, RoleSchema, type Token } from '@cell/sdk';
import type { Style } from '../../output/style.ts';
import { type Column, renderTable } from '../../output/table.ts';
import { age, sentTimeMs, untilText } from '../../output/timestamp-text.ts';
import { countOf } from '../../output/units.ts';

const COLUMNS: readonly Column[] = [
  { title: 'TOKEN', widthMin: 10 },
  { title: 'ID' },
  { title: 'ROLE' },
  { title: 'NAMESPACE', widthMin: 9 },
  { title: 'USES', align: 'right' },
  { title: 'ENDS', align: 'right' },
  { title: 'AGE', align: 'right' },
  { title: 'MADE BY', wide: true },
];

export function renderTokens(tokens: readonly Token[], style: Style): string {
  const rows = tokens.map((token) => [
    token.name,
    token.id,
    enumWord(RoleSchema, token.role),
    token.namespace,
    token.usesLeft === undefined ? '' : String(token.usesLeft),
    endsCell(token, style),
    age(token.createdAt, style),
    token.createdBy,
  ]);
  return renderTable(COLUMNS, rows, style);
}

/** `Token "deploy" (abc): operator in namespace team-a, until …`, without a full stop. */
export function tokenSentence(token: Token, style: Style): string {
  const namespace = token.namespace === '' ? '' : ` in namespace ${token.namespace}`;
  const uses = token.usesLeft === undefined ? '' : `, ${countOf(token.usesLeft, 'use')}`;
  const ends = token.expiresAt === undefined ? ', for ever' : `, until ${untilText(token.expiresAt, style)}`;
  return `Token "${token.name}" (${token.id}): ${enumWord(RoleSchema, token.role)}${namespace}${uses}${ends}`;
}

function endsCell({ expiresAt }: Token, style: Style) {
  if (expiresAt === undefined) return 'never';
  if (sentTimeMs(expiresAt) <= style.nowMs) return { text: 'ended', tone: 'faint' as const };
  return untilText(expiresAt, style, 'short');
}
