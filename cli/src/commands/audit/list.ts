import { type AuditEntry, AuditEntrySchema, plainMessage } from '@cell/sdk';
import { defineCommand } from '../../command-line/command-spec.ts';
import { outputFlagSpecs } from '../../command-line/global-flags.ts';
import type { Style } from '../../output/style.ts';
import { type Column, renderTable } from '../../output/table.ts';
import { gone, readAudit, timeOf } from './read-audit.ts';

const LINES_MAX = 1_000_000;

/** Streams have an entry as they begin. */
const GOOD: ReadonlySet<string> = new Set(['ok', 'begun']);

const COLUMNS: readonly Column[] = [
  { title: 'NUMBER', align: 'right', wide: true },
  { title: 'TIME' },
  { title: 'WHO', widthMin: 12 },
  { title: 'WHAT', widthMin: 12, cut: 'end' },
  { title: 'ON', widthMin: 8, cut: 'end' },
  { title: 'OUTCOME', widthMin: 22, cut: 'end' },
  { title: 'FROM', wide: true },
  { title: 'HASH', wide: true },
];

export const auditList = defineCommand({
  path: ['audit', 'list'],
  summary: 'who changed what, from where, and what was refused; the newest last',
  description: [
    'Every call that changes something has an entry, and so have calls that were refused, several of the same kind ' +
      'together. The control plane keeps the newest 10,000, and says from when on. "cellctl audit verify" shows that ' +
      'nothing was changed. "--output wide" adds from where a call came, its number and its hash.',
  ],
  arguments: {},
  flags: {
    ...outputFlagSpecs,
    since: { kind: 'duration', min: '1s', max: '3650d', summary: 'only what happened in this time until now' },
    lines: { kind: 'count', short: 'n', value: 'N', min: 1, max: LINES_MAX, summary: 'only so many of the newest' },
  },
  examples: [
    { command: 'cellctl audit list --since 1d', what: 'Since yesterday' },
    { command: 'cellctl audit list -o json >audit.json', what: 'To keep elsewhere, with all hashes' },
  ],
  async run({ flags, world, client, print }) {
    const log = await readAudit(client(), flags.lines ?? 0, world.signal);
    const { entries, anchor } = log;
    const sinceMs = flags.since === undefined ? 0 : world.clock.wallMs() - flags.since;
    const shown = entries.filter(({ timeMs }) => Number(timeMs) >= sinceMs);
    // Who wants some of the newest asks for no others.
    const reachesBack = flags.lines === undefined ? gone(log) : undefined;
    const older = reachesBack === undefined ? '' : `${reachesBack}\n`;
    await print({
      plain: () => ({ anchor, entries: shown.map((entry) => plainMessage(AuditEntrySchema, entry)) }),
      text: (style) => (shown.length === 0 ? 'No entries\n' : renderEntries(shown, style)) + older,
    });
  },
});

function renderEntries(entries: readonly AuditEntry[], style: Style): string {
  const rows = entries.map((entry) => {
    const { outcome, count } = entry;
    const word = style.wide
      ? outcome
      : outcome
          .replace(/^CELL_E_/, '')
          .toLowerCase()
          .replaceAll('_', ' ');
    const result = count > 1 ? `${word} ×${count}` : word;
    return [
      String(entry.sequence),
      timeOf(entry),
      style.wide ? entry.actor : withoutId(entry.actor),
      style.wide ? entry.method : entry.method.slice(entry.method.indexOf('/') + 1),
      style.wide ? entry.subject : withoutId(entry.subject),
      { text: result, tone: GOOD.has(outcome) ? undefined : ('bad' as const) },
      entry.from,
      entry.hash,
    ];
  });
  return renderTable(COLUMNS, rows, style);
}

/** "token/deploy (abc…)" is "token/deploy": names are enough where there is little room. */
function withoutId(text: string): string {
  return text.replace(/ \([a-z2-7]{10}\)/, '');
}
