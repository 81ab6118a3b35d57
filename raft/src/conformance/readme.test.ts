import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultConfig } from '../core/index.ts';
import { REFERENCE_CONFIG } from './interaction/add-nodes.ts';

test('the README lists exactly the settings in which the runner differs from our defaults', () => {
  const text = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8');
  const listed = [...text.matchAll(/^\| `(\w+)` \| `([^`]+)` \| `([^`]+)` \|/gm)].map(([, name, ours, here]) => [
    name,
    ours,
    here,
  ]);
  const differing = Object.entries(REFERENCE_CONFIG)
    // What is not a plain value can't be in a table: where chance and trace events come from.
    .filter(([, value]) => typeof value !== 'function' && value !== undefined)
    .map(([name, value]) => [name, String(defaultConfig[name as keyof typeof defaultConfig]), String(value)])
    .filter(([, ours, here]) => ours !== here);
  expect(listed.sort()).toEqual(differing.sort());
});
