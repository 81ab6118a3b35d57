import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultConfig } from '../core/index.ts';
import { REFERENCE_CONFIG } from './interaction/add-nodes.ts';

test('the README lists exactly the settings in which the runner differs from our defaults', () => {
  const text = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const rows = text.matchAll(/^\| `(\w+)` \| `([^`]+)` \| `([^`]+)` \|/gm);
  const listed = Array.from(rows, ([, name, ours, here]) => `${name}: ${ours}, here ${here}`);
  const differing: string[] = [];
  for (const [name, value] of Object.entries(REFERENCE_CONFIG)) {
    // What is no plain value can't be in a table: where chance, time and trace events come from.
    if (typeof value === 'function' || typeof value === 'object' || value === undefined) continue;
    const ours: unknown = defaultConfig[name as keyof typeof defaultConfig];
    if (ours !== value) differing.push(`${name}: ${String(ours)}, here ${value}`);
  }
  expect(listed.toSorted((a, b) => a.localeCompare(b))).toEqual(differing.toSorted((a, b) => a.localeCompare(b)));
});
