import { FAULT_GROUPS } from './all-planted-faults.ts';
import type { Verdict } from './verdict.ts';

/** The tables of the documentation: every fault, what it breaks, and what finds it. */
export function markdownTable(verdicts: readonly Verdict[]): string {
  const byName = new Map(verdicts.map((verdict) => [verdict.fault, verdict]));
  const tables: string[] = [];
  for (const { title, faults } of FAULT_GROUPS) {
    const rows = faults.flatMap(({ name, breaks }) => {
      const verdict = byName.get(name);
      return verdict === undefined ? [] : [`| \`${name}\` | ${breaks} | ${finderText(verdict)} |`];
    });
    if (rows.length === 0) continue;
    tables.push(
      [`### ${title}`, '', '| Fault | What it breaks | What finds it |', '|---|---|---|', ...rows].join('\n'),
    );
  }
  return tables.join('\n\n');
}

function finderText({ caught, failed, simulation }: Verdict): string {
  if (!caught) return '**nothing**';
  const parts: string[] = [];
  if (simulation !== undefined) parts.push(`${simulation.property}, seed ${simulation.seed}`);
  const [first] = failed;
  if (first !== undefined) parts.push(`“${first}”${failed.length > 1 ? ` and ${failed.length - 1} more` : ''}`);
  return parts.join('; ').replaceAll('|', String.raw`\|`);
}

/** How many were caught, and by what alone. */
export function summaryText(verdicts: readonly Verdict[]): string {
  const caught = verdicts.filter((verdict) => verdict.caught);
  const simulated = verdicts.filter(({ simulation }) => simulation !== undefined);
  const both = simulated.filter(({ failed }) => failed.length > 0);
  const survivors = verdicts.filter((verdict) => !verdict.caught).map(({ fault }) => fault);
  const share = ((100 * caught.length) / Math.max(1, verdicts.length)).toFixed(1);
  return (
    `${caught.length} of ${verdicts.length} planted faults are caught (${share} %): ${simulated.length} by the simulator, ` +
    `${both.length} of them by transcripts too, ${caught.length - simulated.length} by transcripts or tests alone` +
    (survivors.length > 0 ? `; survivors: ${survivors.join(', ')}` : '')
  );
}
