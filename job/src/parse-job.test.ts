import { expect, test } from 'vitest';
import { describeIssue } from './issue.ts';
import { parseJob } from './parse-job.ts';
import { validateSpec } from './validate-spec.ts';

const minimal = { name: 'web', command: ['serve'] };

function parsed(file: Record<string, unknown>, folder?: string) {
  const parsing = parseJob({ ...minimal, ...file }, folder === undefined ? {} : { folder });
  return 'spec' in parsing ? parsing.spec : parsing.issues.map((issue) => describeIssue(issue));
}

test('what a file leaves out gets its default', () => {
  expect(parsed({})).toStrictEqual({
    name: 'web',
    namespace: 'default',
    type: 'service',
    count: 1,
    command: ['serve'],
    environment: {},
    user: '',
    workingDirectory: '',
    resources: { cpuMillis: 100, memoryMib: 128 },
    ports: [],
    constraints: [],
    health: undefined,
    restart: { mode: 'always', attempts: 5, windowMs: 300_000, delayMs: 1000, delayMaxMs: 30_000 },
    onDisconnect: 'keep',
    stop: { signal: 'SIGTERM', timeoutMs: 10_000 },
    sandbox: 'default',
    dynamicUser: false,
    limits: {
      memoryMaxMib: 0,
      memoryHighMib: 0,
      cpuMaxMillis: 0,
      cpuWeight: 0,
      ioWeight: 0,
      tasksMax: 0,
      filesMax: 0,
    },
    network: { private: false, deny: [], allow: [] },
    directories: [],
    credentials: {},
    environmentFiles: [],
    devices: [],
    secrets: {},
  });
});

test('defaults depend on the type of the job', () => {
  expect(parsed({ type: 'batch' })).toMatchObject({ count: 1, restart: { mode: 'on-failure', attempts: 3 } });
  expect(parsed({ type: 'system' })).toMatchObject({ count: 0, restart: { mode: 'always', attempts: 5 } });
});

test('a health check takes the only port and the root path, unless it says otherwise', () => {
  const ports = [{ name: 'http' }];
  expect(parsed({ ports, health: { type: 'http' } })).toMatchObject({ health: { port: 'http', path: '/' } });
  expect(parsed({ ports, health: { type: 'tcp' } })).toMatchObject({ health: { port: 'http', path: '' } });
  expect(parsed({ ports, health: { type: 'exec', command: ['true'] } })).toMatchObject({ health: { port: '' } });
  const two = [...ports, { name: 'admin' }];
  expect(parsed({ ports: two, health: { type: 'tcp' } })).toStrictEqual([
    'health.port is missing: must be the name of one of the ports',
  ]);
});

test.each([
  ['500ms', 500],
  ['10s', 10_000],
  ['5m', 300_000],
  ['1h', 3_600_000],
])('the length of time %s is %d ms', (written, valueMs) => {
  expect(parsed({ health: { type: 'exec', command: ['x'], interval: written } })).toMatchObject({
    health: { intervalMs: valueMs },
  });
});

test.each(['10', '10 s', '1.5s', '1m30s', '-1s', '10S', '', '1e3ms', 10, true, ['10s']])(
  'the length of time %j is refused',
  (written) => expect(parsed({ restart: { window: written } })).toHaveLength(1),
);

test.each([
  ['512MiB', 512],
  ['2GiB', 2048],
])('the size %s is %d MiB', (written, memoryMib) => {
  expect(parsed({ resources: { memory: written } })).toMatchObject({ resources: { memoryMib } });
});

test.each(['512', '512MB', '2GB', '1.5GiB', '512 MiB', '0MiB', '17000000MiB', 512, '1TiB'])(
  'the size %j is refused',
  (written) => expect(parsed({ resources: { memory: written } })).toHaveLength(1),
);

test.each([
  [0.1, 100],
  [0.29, 290],
  [2, 2000],
  [1024, 1_024_000],
])('%d cores are %d thousandths', (written, cpuMillis) => {
  expect(parsed({ resources: { cpu: written } })).toMatchObject({ resources: { cpuMillis } });
});

test.each([0, -1, 0.009, 0.0105, 1025, Number.NaN, Number.POSITIVE_INFINITY, '2'])('%j cores are refused', (written) =>
  expect(parsed({ resources: { cpu: written } })).toHaveLength(1),
);

test.each([
  [{ operator: '=', value: 'x' }, 'equal', 'x'],
  [{ value: 3 }, 'equal', '3'],
  [{ operator: 'not in', value: ['a', 'b', 3] }, 'not-in', 'a,b,3'],
  [{ operator: '>=', value: 4 }, 'at-least', '4'],
  [{ operator: '<=', value: '-4.5' }, 'at-most', '-4.5'],
  [{ operator: 'not exists' }, 'not-exists', ''],
])('the constraint %j means %s %s', (written, operator, value) => {
  expect(parsed({ constraints: [{ attribute: 'a', ...written }] })).toMatchObject({
    constraints: [{ attribute: 'a', operator, value }],
  });
});

test.each([
  { operator: '=', value: ['x'] },
  { operator: 'in', value: 'x' },
  { operator: 'in', value: [] },
  { operator: 'in', value: ['a,b'] },
  { operator: '>=', value: 'many' },
  { operator: 'exists', value: '' },
  { operator: '=' },
  { operator: '=', value: true },
  { operator: '~', value: 'x' },
  { operator: 'toString', value: 'x' },
])('the constraint %j is refused with one issue', (written) => {
  expect(parsed({ constraints: [{ attribute: 'a', ...written }] })).toHaveLength(1);
});

test('a relative working directory starts from the folder of the file, and is refused without one', () => {
  const relative = { working_directory: '../x/./y/' };
  expect(parsed(relative, '/srv/jobs')).toMatchObject({ workingDirectory: '/srv/x/y' });
  expect(parsed({ working_directory: '.' }, '/srv/jobs')).toMatchObject({ workingDirectory: '/srv/jobs' });
  expect(parsed({ working_directory: '/abs' }, '/srv/jobs')).toMatchObject({ workingDirectory: '/abs' });
  expect(parsed(relative)).toStrictEqual([
    'working_directory = "../x/./y/": must be an absolute path of at most 4,096 bytes',
  ]);
});

test('a value that is no table is refused without looking into it', () => {
  for (const value of [undefined, null, 3, 'x', [], new Date(0)]) {
    const parsing = parseJob(value);
    expect('issues' in parsing && parsing.issues.length).toBe(1);
  }
});

test('what looks like a member of every object is an unknown key', () => {
  const file: unknown = JSON.parse(
    '{"name":"a","command":["b"],"__proto__":{"count":3},"toString":1,"environment":{"__proto__":"x"}}',
  );
  const parsing = parseJob(file);
  const paths = 'issues' in parsing ? parsing.issues.map((issue) => issue.path.join('.')) : [];
  expect(paths).toStrictEqual(['__proto__', 'toString', 'environment.__proto__']);
});

test('what is read passes the check for what comes over the wire', () => {
  const spec = parsed({
    type: 'batch',
    ports: [{ name: 'a-b', port: 80 }],
    environment: { B: `\${CELL_PORT_A_B}`, A: 'x' },
    health: { type: 'http' },
  });
  expect(Array.isArray(spec) ? spec : validateSpec(spec)).toStrictEqual([]);
});
