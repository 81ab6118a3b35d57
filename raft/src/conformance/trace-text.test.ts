import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TRACE_KINDS } from './trace-text.ts';

const CORE = join(import.meta.dirname, '../core');

test('every trace event that the core can emit has a text, and every text an event', () => {
  const emitted = new Set<string>();
  for (const file of readdirSync(CORE, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const source = readFileSync(join(CORE, file), 'utf8');
    for (const kind of TRACE_KINDS) if (source.includes(`'${kind}'`)) emitted.add(kind);
    for (const match of source.matchAll(/\bkind: '([a-z-]+)'/g)) emitted.add(match[1] as string);
  }
  expect([...emitted].sort()).toEqual([...TRACE_KINDS].sort());
});
