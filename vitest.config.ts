import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const prometheusFolder = resolve(import.meta.dirname, '.cache/prometheus/usr/bin');

/** Tests that start real processes: one at a time, after all others, with time for elections and restarts. */
const CLUSTER_FILES = ['test/**/*.cluster.test.ts'];
const CLUSTER_TIMEOUT_MS = 120_000;
const UNIT_TIMEOUT_MS = 30_000;

export default defineConfig({
  test: {
    reporters: ['./scripts/test-reporter.ts'],
    env: existsSync(prometheusFolder) ? { CELL_TEST_PROMETHEUS_DIR: prometheusFolder } : {},
    projects: [
      {
        test: {
          name: 'unit',
          include: ['*/src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: CLUSTER_FILES,
          testTimeout: UNIT_TIMEOUT_MS,
          hookTimeout: UNIT_TIMEOUT_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'cluster',
          include: CLUSTER_FILES,
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: CLUSTER_TIMEOUT_MS,
          hookTimeout: CLUSTER_TIMEOUT_MS,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
