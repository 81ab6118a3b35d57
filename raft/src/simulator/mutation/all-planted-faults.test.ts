import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ALL_PLANTED_FAULTS } from './all-planted-faults.ts';
import { filesOf, plant } from './planted-fault.ts';

const SOURCES = resolve(import.meta.dirname, '../..');

test.each(ALL_PLANTED_FAULTS)('$name can be planted, and what it changes still parses', (fault) => {
  expect(fault.edits.length).toBeGreaterThan(0);
  for (const file of filesOf(fault)) {
    const source = readFileSync(resolve(SOURCES, file), 'utf8');
    const planted = plant(fault, file, source);
    expect(planted).not.toBe(source);
    stripTypeScriptTypes(planted);
  }
});

test('each planted fault has a name of its own, and says in a sentence what it breaks', () => {
  const names = ALL_PLANTED_FAULTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, breaks } of ALL_PLANTED_FAULTS) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(breaks).toMatch(/^[A-Z].{20,}[^.]$/);
  }
});

test('there are as many faults in the core as were promised', () => {
  expect(ALL_PLANTED_FAULTS.filter(({ judge }) => judge === 'simulation').length).toBeGreaterThanOrEqual(60);
});
