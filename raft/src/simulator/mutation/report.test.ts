import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ALL_PLANTED_FAULTS } from './all-planted-faults.ts';
import { markdownTable, summaryText } from './report.ts';
import type { Verdict } from './verdict.ts';
import { verdictText } from './verdict.ts';

const PAGE = resolve(import.meta.dirname, '../../../../docs/raft-proof.md');

const bySimulation: Verdict = {
  fault: 'double-vote',
  caught: true,
  failed: [],
  simulation: { property: 'kept promises', seed: 3, message: 'Member 1 voted twice' },
};
const byTranscripts: Verdict = {
  fault: 'probe-stuck',
  caught: true,
  failed: ['a.txt', 'b.txt'],
  simulation: undefined,
};
const survivor: Verdict = { fault: 'apply-twice', caught: false, failed: [], simulation: undefined };

test('a verdict names what found the fault', () => {
  expect(verdictText(bySimulation)).toBe('kept promises (seed 3)');
  expect(verdictText(byTranscripts)).toBe('a.txt and 1 more');
  expect(verdictText(survivor)).toBe('SURVIVED');
});

test('the summary counts what was caught, by what, and names the survivors', () => {
  expect(summaryText([bySimulation, byTranscripts, survivor])).toBe(
    '2 of 3 planted faults are caught (66.7 %): 1 by the simulator, 0 of them by transcripts too, ' +
      '1 by transcripts or tests alone; survivors: apply-twice',
  );
});

test('the table has a row for each fault, below the title of its subject', () => {
  const lines = markdownTable([bySimulation, survivor]).split('\n');
  expect(lines[0]).toBe('### Elections');
  expect(lines.filter((line) => line.startsWith('| `'))).toEqual([
    expect.stringMatching(/^\| `double-vote` \| A member votes .* \| kept promises, seed 3 \|$/),
    expect.stringMatching(/^\| `apply-twice` \| .* \| \*\*nothing\*\* \|$/),
  ]);
});

test('the documentation has all planted faults, and no others', () => {
  expect(existsSync(PAGE)).toBe(true);
  const documented = [...readFileSync(PAGE, 'utf8').matchAll(/^\| `([a-z-]+)` \| /gm)].map(([, name]) => name);
  expect(documented).toEqual(ALL_PLANTED_FAULTS.map(({ name }) => name));
});
