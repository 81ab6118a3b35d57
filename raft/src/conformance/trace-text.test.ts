import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { traceText } from './trace-text.ts';

const CORE = join(import.meta.dirname, '../core');
/** Lines on which the core names the kind of an event, and names that stand on such lines but are no kinds. */
const NAMES_A_KIND = /\bkind: |\bconst kind = |traceVote\(raft|forward\(raft/;
const NO_KINDS = ['pre-vote', 'debug', 'info', 'warning', 'error'];

function emittedKinds(): string[] {
  const kinds = new Set<string>();
  for (const file of readdirSync(CORE, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    for (const line of readFileSync(join(CORE, file), 'utf8').split('\n')) {
      if (!NAMES_A_KIND.test(line) || line.trim().startsWith('import')) continue;
      for (const match of line.matchAll(/(?:kind: |kind = |raft, message, |[?:] )'([a-z-]+)'/g))
        kinds.add(match[1] as string);
    }
  }
  return [...kinds].filter((kind) => !NO_KINDS.includes(kind));
}

test('every trace event that the core can emit has a text', () => {
  const kinds = emittedKinds();
  expect(kinds.length).toBeGreaterThan(50);
  for (const kind of kinds) expect(() => traceText({ level: 'info', kind }), kind).not.toThrow(/has no text/);
});

test('an event without a text is an error', () => {
  expect(() => traceText({ level: 'info', kind: 'no-such-kind' })).toThrow(/has no text/);
});
