import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';
import { LAB_TEST_MS_MAX } from './test/lab/lab-limits.ts';

const prometheusFolder = resolve(import.meta.dirname, '.cache/prometheus/usr/bin');

/** Tests that start real processes: one at a time, with time for elections and restarts. */
const CLUSTER_FILES = ['test/**/*.cluster.test.ts'];
/**
 * Those of them that mostly wait, for leases, restarts and answers, and that leave seconds where they hold the product to
 * times: two at a time.
 */
const PAIRED_FILES = [
  'test/packages/*.cluster.test.ts',
  'test/cluster/{access,agents,bad-input,cellctl,membership,workloads}/*.cluster.test.ts',
  'test/cluster/identity/{clocks,init-and-join,rotate-authority,secrets}.cluster.test.ts',
  'test/cluster/{prometheus,demo/configuration,demo/getting-started}.cluster.test.ts',
  'test/cluster/members/{command-stream,full-disk,http,refused-start,snapshots}.cluster.test.ts',
];
const CLUSTER_TIMEOUT_MS = 120_000;
/** Tests that start machines: the same, after those. Installing and booting takes longest. */
const LAB_FILES = ['test/lab/**/*.lab.test.ts'];
const LAB_HOOK_MS_MAX = 300_000;
/** Tests for which the machine must be one with systemd, made for it: the lab runs them inside of one, as root. */
const SYSTEMD_FILES = ['*/src/**/*.systemd.test.ts', 'test/**/*.systemd.test.ts'];
const IN_LAB_MACHINE = process.env['CELL_LAB_MACHINE'] === '1';
/** Far above what any test takes alone: on a machine that has other things to do, each takes many times as long. */
const UNIT_TIMEOUT_MS = 60_000;
/** Of `expect.poll`, whose own second is too little there. */
const POLL_TIMEOUT_MS = 15_000;

const PATIENT = { expect: { poll: { timeout: POLL_TIMEOUT_MS } } };
/** One file at a time: each has the machine to itself. */
const ALONE = { ...PATIENT, fileParallelism: false, maxWorkers: 1 };

const systemdTests = {
  test: {
    ...ALONE,
    name: 'systemd',
    include: SYSTEMD_FILES,
    testTimeout: CLUSTER_TIMEOUT_MS,
    hookTimeout: CLUSTER_TIMEOUT_MS,
  },
};

export default defineConfig({
  test: {
    reporters: ['./scripts/test-reporter.ts'],
    env: existsSync(prometheusFolder) ? { CELL_TEST_PROMETHEUS_DIR: prometheusFolder } : {},
    projects: IN_LAB_MACHINE
      ? [systemdTests]
      : [
          {
            test: {
              name: 'unit',
              include: ['*/src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'],
              exclude: [...CLUSTER_FILES, ...LAB_FILES, ...SYSTEMD_FILES],
              testTimeout: UNIT_TIMEOUT_MS,
              hookTimeout: UNIT_TIMEOUT_MS,
              ...PATIENT,
              sequence: { groupOrder: 0 },
            },
          },
          {
            test: {
              name: 'cluster',
              include: CLUSTER_FILES,
              exclude: PAIRED_FILES,
              ...ALONE,
              testTimeout: CLUSTER_TIMEOUT_MS,
              hookTimeout: CLUSTER_TIMEOUT_MS,
              sequence: { groupOrder: 1 },
            },
          },
          {
            test: {
              name: 'pairs',
              include: PAIRED_FILES,
              ...PATIENT,
              maxWorkers: 2,
              testTimeout: CLUSTER_TIMEOUT_MS,
              hookTimeout: CLUSTER_TIMEOUT_MS,
              sequence: { groupOrder: 2 },
            },
          },
          {
            test: {
              name: 'lab',
              include: LAB_FILES,
              ...ALONE,
              // Files share the machines of one fleet, which are made once.
              isolate: false,
              testTimeout: LAB_TEST_MS_MAX,
              hookTimeout: LAB_HOOK_MS_MAX,
              sequence: { groupOrder: 3 },
            },
          },
        ],
  },
});
