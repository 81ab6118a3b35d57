import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const prometheusFolder = resolve(import.meta.dirname, '.cache/prometheus/usr/bin');

/** Tests that start real processes: one at a time, after all others, with time for elections and restarts. */
const CLUSTER_FILES = ['test/**/*.cluster.test.ts'];
const CLUSTER_TIMEOUT_MS = 120_000;
/** Far above what any test takes alone: on a machine that has other things to do, each takes many times as long. */
const UNIT_TIMEOUT_MS = 60_000;
/** Of `expect.poll`, whose own second is too little there. */
const POLL_TIMEOUT_MS = 15_000;

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
          expect: { poll: { timeout: POLL_TIMEOUT_MS } },
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
          expect: { poll: { timeout: POLL_TIMEOUT_MS } },
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
