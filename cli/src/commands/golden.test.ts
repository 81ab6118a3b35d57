/** What people see: every command that shows something, on 80 columns, with names as long as they may be. */
import { expect, test } from 'vitest';
import { runCellctl, secondsAgo, widthOf } from '../testing/run-cellctl.ts';
import { allocations, fleet, jobs, members, nodes } from '../testing/sample-fleet.ts';
import { identityHandlers } from '../testing/sample-identity.ts';

const handlers = {
  getFleetStatus: () => fleet,
  listNodes: () => ({ nodes }),
  getNode: () => ({ node: nodes[0], allocations: [allocations[0]] }),
  listJobs: () => ({ jobs }),
  getJob: () => ({ job: jobs[0], allocations: [allocations[0]] }),
  listAllocations: () => ({ allocations }),
  getAllocation: () => ({
    allocation: allocations[0],
    usage: { cpuTimeMs: 61_500n, memoryBytes: 73_400_320n, processes: 1 },
  }),
  getControlPlaneStatus: () => ({ members, leaderId: 2n, answeredBy: 1n, cluster: 'demo' }),
  ...identityHandlers,
  streamEvents: async function* () {
    yield {
      event: {
        index: 7n,
        time: secondsAgo(60),
        type: 'NodeLost',
        subject: 'node/a',
        message: 'Nothing was heard for 12.1 s',
      },
    };
    yield {
      event: { index: 8n, time: secondsAgo(5), type: 'JobStopped', subject: 'job/web', message: 'a '.repeat(60) },
    };
  },
};

const SHOWING = [
  'fleet status',
  'node list',
  'node show node-0017',
  'job list',
  'job show web',
  'allocation list',
  'allocation show 01KA7Q2M9XW4T',
  'control-plane status',
  'whoami',
  'token list',
  'secret list',
  'ca status',
  'audit list',
  'audit verify',
  'events',
];

test.each(SHOWING)('%s fits 80 columns', async (words) => {
  const result = await runCellctl(words.split(' '), handlers, { terminalColumns: 80 });
  expect(result).toMatchObject({ exitCode: 0, errors: '' });
  expect(widthOf(result.output)).toBeLessThanOrEqual(80);
  expect(result.output).toMatchSnapshot();
});

test.each(SHOWING)('%s in wide output leaves nothing out', async (words) => {
  const result = await runCellctl([...words.split(' '), '-o', 'wide'], handlers);
  expect(result.exitCode).toBe(0);
  expect(result.output).not.toContain('…');
});

test.each(SHOWING)('%s can be read by programs', async (words) => {
  const json = await runCellctl([...words.split(' '), '-o', 'json'], handlers);
  expect(json).toMatchObject({ exitCode: 0, errors: '' });
  const values = words === 'events' ? json.output.trimEnd().split('\n') : [json.output];
  for (const value of values) expect(Object.keys(JSON.parse(value) as object).length).toBeGreaterThan(0);
  const yaml = await runCellctl([...words.split(' '), '-o', 'yaml'], handlers);
  expect(yaml.exitCode).toBe(0);
  expect(yaml.output).not.toMatch(/undefined|\[object/);
});

test.each([
  ['node list', { listNodes: () => ({}) }, 'No nodes\n'],
  ['job list', { listJobs: () => ({}) }, 'No jobs\n'],
  ['allocation list', { listAllocations: () => ({}) }, 'No allocations\n'],
  ['token list', { listTokens: () => ({}) }, 'No tokens\n'],
  ['secret list', { listSecrets: () => ({}) }, 'No secrets\n'],
  ['audit list', { listAudit: async function* () {} }, 'No entries\n'],
  ['audit verify', { listAudit: async function* () {} }, 'The audit log is empty\n'],
  ['events', { streamEvents: async function* () {} }, ''],
])('%s of an empty fleet', async (words, empty, output) => {
  expect(await runCellctl(words.split(' '), empty)).toMatchObject({ exitCode: 0, output, errors: '' });
});
