import { readFileSync } from 'node:fs';
import { jobFileSchema } from '@cell/job';
import { expect, test } from 'vitest';
import { pageFile, renderPage } from './generate-job-file-docs.ts';

const page = readFileSync(pageFile, 'utf8');

test('docs/job-file.md is what the schema says; if not, run node scripts/generate-job-file-docs.ts', () => {
  expect(page).toBe(renderPage());
});

test('every key of the schema has its row', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| '));
  for (const section of jobFileSchema) {
    if (section.shape === 'map') continue;
    for (const { key } of Object.values(section.fields)) {
      expect(rows.some((row) => row.startsWith(`| \`${key}\` |`))).toBe(true);
    }
  }
});
